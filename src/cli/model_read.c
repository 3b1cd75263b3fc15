/*
 * model_read: a report file into the model.
 *
 * What the file says is believed as far as it cannot hurt: ids are looked up
 * later, lengths were checked by wire_next(), text is cleaned here. What is
 * kept is copied; nothing points into the file's bytes afterwards.
 */
#include "cli/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 << 10)

struct reading {
	struct model *model;
	struct model_process *process; /* NULL before WIRE_PROCESS */
	size_t at_finding;	       /* of the last member or edge */
};

static char *name_of(struct reading *reading, const struct wire_record *record)
{
	size_t length = strnlen(record->tail, record->tail_bytes);
	if (length == 0)
		return NULL;
	return arena_clean_text(&reading->model->arena, record->tail, length);
}

static bool add_process(struct reading *reading,
			const struct wire_record *record)
{
	struct model *model = reading->model;
	struct model_process *process;
	char *name = name_of(reading, record);
	if (reading->process)
		return false;
	process = arena_take(&model->arena, sizeof(*process));
	process->model = model;
	memcpy(&process->wire, record->fixed, sizeof(process->wire));
	process->program = name ? path_base(name) : "?";
	process->taken_at = time(NULL);
	model->processes = arena_grow(&model->arena, model->processes,
				      model->n_processes, sizeof(process));
	model->processes[model->n_processes++] = process;
	reading->process = process;
	return true;
}

static void add_module(struct reading *reading,
		       const struct wire_record *record)
{
	struct arena *arena = &reading->model->arena;
	struct model_process *process = reading->process;
	struct model_module *module;
	char *name = name_of(reading, record);
	process->modules = arena_grow(arena, process->modules,
				      process->n_modules, sizeof(*module));
	module = &process->modules[process->n_modules++];
	memcpy(&module->wire, record->fixed, sizeof(module->wire));
	module->path = arena_text(arena, record->tail,
				  strnlen(record->tail, record->tail_bytes));
	module->name = name ? name : "?";
	module->is_tarn = strncmp(path_base(module->path), "libtarn.so",
				  strlen("libtarn.so")) == 0;
}

static void add_site(struct reading *reading, const struct wire_record *record)
{
	struct arena *arena = &reading->model->arena;
	struct model_process *process = reading->process;
	const struct wire_stack *stack = record->fixed;
	size_t bytes = stack->n_frames * sizeof(struct wire_frame);
	struct model_site *site;
	process->sites = arena_grow(arena, process->sites, process->n_sites,
				    sizeof(*site));
	site = &process->sites[process->n_sites++];
	site->id = stack->site;
	site->n_written = stack->n_frames;
	site->written = (const struct wire_frame *)arena_text(
		arena, record->tail, bytes);
}

static void add_finding(struct reading *reading,
			const struct wire_record *record)
{
	struct model_process *process = reading->process;
	struct model_finding *finding;
	process->findings =
		arena_grow(&reading->model->arena, process->findings,
			   process->n_findings, sizeof(*finding));
	reading->at_finding = process->n_findings;
	finding = &process->findings[process->n_findings++];
	memcpy(&finding->wire, record->fixed, sizeof(finding->wire));
	finding->type = name_of(reading, record);
}

/* Members and edges follow their finding: that of the last one, or later. */
static struct model_finding *finding_for(struct reading *reading, uint32_t id)
{
	struct model_process *process = reading->process;
	for (size_t i = reading->at_finding; i < process->n_findings; i++) {
		if (process->findings[i].wire.id == id) {
			reading->at_finding = i;
			return &process->findings[i];
		}
	}
	return (struct model_finding *)model_finding(process, id);
}

static bool add_member(struct reading *reading,
		       const struct wire_record *record)
{
	const struct wire_member *wire = record->fixed;
	struct model_finding *finding = finding_for(reading, wire->finding);
	struct model_member *member;
	if (!finding)
		return false;
	finding->members = arena_grow(&reading->model->arena, finding->members,
				      finding->n_members, sizeof(*member));
	member = &finding->members[finding->n_members++];
	member->wire = *wire;
	if (member->wire.contents_bytes > WIRE_CONTENTS_BYTES)
		member->wire.contents_bytes = WIRE_CONTENTS_BYTES;
	member->type = name_of(reading, record);
	return true;
}

static bool add_edge(struct reading *reading, const struct wire_record *record)
{
	const struct wire_edge *edge = record->fixed;
	struct model_finding *finding = finding_for(reading, edge->finding);
	if (!finding)
		return false;
	finding->edges = arena_grow(&reading->model->arena, finding->edges,
				    finding->n_edges, sizeof(*edge));
	finding->edges[finding->n_edges++] = *edge;
	return true;
}

static bool add_who(struct reading *reading, const struct wire_record *record)
{
	struct model_process *process = reading->process;
	if (process->who)
		return false;
	process->who =
		arena_take(&reading->model->arena, sizeof(*process->who));
	memcpy(&process->who->wire, record->fixed, sizeof(process->who->wire));
	process->who->type = name_of(reading, record);
	return true;
}

static bool add_pointer(struct reading *reading,
			const struct wire_record *record)
{
	struct arena *arena = &reading->model->arena;
	struct model_who *who = reading->process->who;
	struct model_pointer *pointer;
	if (!who)
		return false;
	if (record->kind == WIRE_STEP) {
		who->steps = arena_grow(arena, who->steps, who->n_steps,
					sizeof(*pointer));
		pointer = &who->steps[who->n_steps++];
	} else {
		who->referrers = arena_grow(arena, who->referrers,
					    who->n_referrers, sizeof(*pointer));
		pointer = &who->referrers[who->n_referrers++];
	}
	memcpy(&pointer->wire, record->fixed, sizeof(pointer->wire));
	pointer->name = name_of(reading, record);
	return true;
}

static bool add_record(struct reading *reading,
		       const struct wire_record *record)
{
	if (record->kind == WIRE_PROCESS)
		return add_process(reading, record);
	if (!reading->process)
		return false;
	switch (record->kind) {
	case WIRE_MODULE:
		add_module(reading, record);
		return true;
	case WIRE_STACK:
		add_site(reading, record);
		return true;
	case WIRE_FINDING:
		add_finding(reading, record);
		return true;
	case WIRE_MEMBER:
		return add_member(reading, record);
	case WIRE_EDGE:
		return add_edge(reading, record);
	case WIRE_STATS:
		return true;
	case WIRE_WHO:
		return add_who(reading, record);
	case WIRE_STEP:
	case WIRE_REFERRER:
		return add_pointer(reading, record);
	case WIRE_PROCESS:
	case WIRE_END:
		break;
	}
	return false;
}

static int compare_modules(const void *a, const void *b)
{
	const struct model_module *one = a, *other = b;
	return (one->wire.id > other->wire.id) -
	       (one->wire.id < other->wire.id);
}

static int compare_sites(const void *a, const void *b)
{
	const struct model_site *one = a, *other = b;
	return (one->id > other->id) - (one->id < other->id);
}

/*
 * Held blocks are no findings that a user asks about by number: the numbers
 * must be those of a report without them.
 */
static void set_held_apart(struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	size_t n = process->n_findings, n_kept = 0;
	struct model_finding *all = process->findings;
	uint32_t *ids = arena_take(arena, (n + 1) * sizeof(*ids));
	for (size_t i = 0; i < n; i++) {
		if (all[i].wire.verdict != WIRE_REACHED)
			ids[i] = (uint32_t)++n_kept;
	}
	if (n_kept == n)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct model_finding *owner =
			model_finding(process, all[i].wire.owner);
		all[i].wire.owner = owner ? ids[owner - all] : 0;
	}
	process->held = arena_take(arena, (n - n_kept) * sizeof(all[0]));
	for (size_t i = 0; i < n; i++) {
		if (ids[i]) {
			all[ids[i] - 1] = all[i];
			all[ids[i] - 1].wire.id = ids[i];
		} else {
			process->held[process->n_held++] = all[i];
		}
	}
	process->n_findings = n_kept;
}

static enum wire_result read_records(struct reading *reading, const char *bytes,
				     size_t length)
{
	struct wire_reader reader;
	struct wire_record record = {0};
	struct model_process *process;
	enum wire_result result = wire_open(&reader, bytes, length);
	while (result == WIRE_OK && record.kind != WIRE_END) {
		result = wire_next(&reader, &record);
		if (result == WIRE_OK && record.kind != WIRE_END &&
		    !add_record(reading, &record))
			result = WIRE_BROKEN;
	}
	process = reading->process;
	if (!process)
		return result == WIRE_OK ? WIRE_BROKEN : result;
	process->is_complete = result == WIRE_OK;
	if (process->n_modules)
		qsort(process->modules, process->n_modules,
		      sizeof(process->modules[0]), compare_modules);
	if (process->n_sites)
		qsort(process->sites, process->n_sites,
		      sizeof(process->sites[0]), compare_sites);
	set_held_apart(process);
	return result;
}

/* All of FD, for free(); NULL and errno. A pipe will do. */
static char *read_all(int fd, size_t *length)
{
	char *bytes = NULL;
	size_t room = 0;
	*length = 0;
	for (;;) {
		ssize_t n;
		if (*length == room) {
			char *larger = realloc(bytes, 2 * room + READ_BYTES);
			if (!larger)
				break;
			bytes = larger;
			room = 2 * room + READ_BYTES;
		}
		n = read(fd, bytes + *length, room - *length);
		if (n == 0)
			return bytes;
		if (n > 0)
			*length += (size_t)n;
		else if (errno != EINTR)
			break;
	}
	free(bytes);
	return NULL;
}

static const char *describe(enum wire_result result)
{
	switch (result) {
	case WIRE_OK:
		return "is whole";
	case WIRE_NOT_A_REPORT:
		return "is not a report of tarn";
	case WIRE_OTHER_VERSION:
		return "is a report of another version of tarn; use its tarn "
		       "command";
	case WIRE_CUT_SHORT:
		return "is cut short: it does not have everything";
	case WIRE_BROKEN:
		break;
	}
	return "is damaged: it does not have everything";
}

bool model_read_bytes(struct model *model, const char *bytes, size_t length,
		      const char *name)
{
	struct reading reading = {.model = model};
	enum wire_result result = read_records(&reading, bytes, length);
	if (result != WIRE_OK)
		complain("%s %s", name, describe(result));
	return result == WIRE_OK;
}

bool model_read(struct model *model, const char *path)
{
	size_t n_before = model->n_processes;
	struct stat file = {0};
	bool is_good;
	size_t length;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *bytes = fd >= 0 ? read_all(fd, &length) : NULL;
	int error = errno;
	if (fd >= 0) {
		fstat(fd, &file);
		close(fd);
	}
	if (!bytes) {
		complain("%s: %s", path, strerror(error));
		return false;
	}
	is_good = model_read_bytes(model, bytes, length, path);
	free(bytes);
	/* A report is written once, when the trace is done. */
	if (model->n_processes > n_before && S_ISREG(file.st_mode))
		model->processes[n_before]->taken_at = file.st_mtime;
	return is_good;
}
