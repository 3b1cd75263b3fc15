/*
 * who: the verb that asks a running process who holds a block.
 */
#include "cli/who.h"

#include "cli/live.h"
#include "cli/target.h"
#include "cli/verbs.h"
#include "wire/control.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct who {
	struct options options;
	pid_t pid;
	/* One of them. */
	uint32_t finding; /* 0: none */
	uint64_t address;
	struct live *live;
	struct model model;  /* the answer */
	struct model looked; /* a look at all that is lost */
	bool has_looked;
};

/* --- what is asked ------------------------------------------------------- */

/* ADDRESS is 0x and hexadecimal, FINDING is N or #N. */
static bool parse_question(struct who *who, const char *text)
{
	bool is_address =
		strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0;
	const char *digits = text + (is_address ? 2 : text[0] == '#');
	size_t length = strspn(digits, is_address ? "0123456789abcdefABCDEF"
						  : "0123456789");
	bool is_good = length > 0 && digits[length] == '\0';
	errno = 0;
	if (is_good && is_address) {
		who->address = strtoull(digits, NULL, 16);
		is_good = errno == 0;
	} else if (is_good) {
		unsigned long long n = strtoull(digits, NULL, 10);
		is_good = errno == 0 && n > 0 && n <= UINT32_MAX;
		who->finding = (uint32_t)n;
	}
	if (!is_good)
		complain("who: '%s' is neither an address, as 0x7f3a10, nor "
			 "the number of a finding; try 'tarn --help'",
			 text);
	return is_good;
}

static bool read_answer(struct model *model, struct live_report *report,
			const char *name)
{
	bool is_good;
	model_start(model);
	is_good = model_read_bytes(model, report->bytes, report->length, name);
	free(report->bytes);
	if (!is_good || model->n_processes == 0) {
		model_free(model);
		return false;
	}
	return true;
}

static struct model_process *look(struct who *who)
{
	struct live_report report = {0};
	if (!who->has_looked) {
		if (!live_look(who->live, &report) ||
		    !read_answer(&who->looked, &report, "the look"))
			return NULL;
		who->has_looked = true;
	}
	return who->looked.processes[0];
}

static bool find_address(struct who *who)
{
	struct model_process *process = look(who);
	const struct model_finding *finding;
	if (!process)
		return false;
	finding = model_finding(process, who->finding);
	if (!finding || finding->n_members == 0) {
		complain("process %d has no finding %u now, but %zu; 'tarn "
			 "leaks %d --show=all' lists them",
			 (int)who->pid, who->finding, process->n_findings,
			 (int)who->pid);
		return false;
	}
	who->address = finding->members[0].wire.address;
	return true;
}

/* --- what else is known -------------------------------------------------- */

/* The finding of the block: its example may have it, else one from the same
 * site will do. */
static const struct model_finding *
find_finding(const struct model_process *process, const struct wire_who *wire)
{
	const struct model_finding *similar = NULL;
	for (size_t i = 0; i < process->n_findings; i++) {
		const struct model_finding *finding = &process->findings[i];
		for (size_t j = 0; j < finding->n_members; j++) {
			if (finding->members[j].wire.address == wire->block)
				return finding;
		}
		if (!similar && wire->site && finding->wire.site == wire->site)
			similar = finding;
	}
	return similar;
}

/* The line of /proc/PID/maps that ADDRESS lies in, its access and name. */
static const char *find_mapping(struct arena *arena, pid_t pid,
				uint64_t address)
{
	const char *path = arena_print(arena, "/proc/%d/maps", (int)pid);
	FILE *file = fopen(path, "re");
	const char *found = NULL;
	char *line = NULL;
	size_t room = 0;
	while (file && !found && getline(&line, &room, file) > 0) {
		uint64_t start, end;
		char access[8];
		int name_at = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*s %*s %*s %n",
			   &start, &end, access, &name_at) < 3 ||
		    address < start || address >= end)
			continue;
		const char *name = line + name_at;
		size_t length = name_at ? strcspn(name, "\n") : 0;
		found = arena_print(
			arena, "%s (%s)",
			length ? arena_clean_text(arena, name, length)
			       : "a mapping without a name",
			access);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static void find_more(struct who *who, struct model_process *process,
		      struct who_more *more)
{
	const struct wire_who *wire = &process->who->wire;
	*more = (struct who_more){.pid = who->pid};
	if (wire->place == WIRE_NOT_IN_HEAP)
		more->mapping =
			find_mapping(&who->model.arena, who->pid, wire->asked);
	if (wire->place != WIRE_IN_BLOCK || wire->verdict == WIRE_REACHED)
		return;
	more->process = look(who);
	if (more->process)
		more->finding = find_finding(more->process, wire);
}

/* --- the verb ------------------------------------------------------------ */

static enum status show(struct who *who)
{
	const struct options *options = &who->options;
	struct model_process *process = who->model.processes[0];
	struct output output;
	struct who_more more;
	struct who_way way;
	struct view view;
	bool is_good = true;
	if (!process->who) {
		complain("process %d did not answer what was asked; is its "
			 "library of another version?",
			 (int)who->pid);
		return STATUS_FAILED;
	}
	find_more(who, process, &more);
	who_find_way(process, &way);
	if (!output_open(&output, options, stdout))
		return STATUS_FAILED;
	view = output_view(&output, options);
	errno = 0;
	if (options->format == FORMAT_JSON)
		is_good = who_render_json(&view, process, &way, &more);
	else
		who_render_text(&view, process, &way, &more);
	return output_close(&output, options, is_good) ? STATUS_OK
						       : STATUS_FAILED;
}

static enum status ask(struct who *who)
{
	struct live_report report = {0};
	enum status status = STATUS_FAILED;
	if (who->finding && !find_address(who))
		return STATUS_FAILED;
	if (!live_who(who->live, who->address, &report) ||
	    !read_answer(&who->model, &report, "the answer"))
		return STATUS_FAILED;
	status = show(who);
	model_free(&who->model);
	return status;
}

static bool parse_operands(struct who *who, int n, char **operands)
{
	const char *wrong = n == 0   ? "of which process?"
			    : n == 1 ? "which address or finding?"
			    : n > 2  ? "one address or finding at a time;"
				     : NULL;
	if (wrong) {
		complain("who: %s try 'tarn --help'", wrong);
		return false;
	}
	return target_parse("who", operands[0], &who->pid) &&
	       parse_question(who, operands[1]);
}

enum status who_verb(int argc, char **argv)
{
	static struct who who;
	struct options *options = &who.options;
	struct live_options how = {.wants = CONTROL_WANTS_POSSIBLE};
	enum status status;
	if (!options_parse(options, VERB_WHO, argc, argv))
		return STATUS_FAILED;
	if (options->wants_help)
		return help_verb("who");
	if (!parse_operands(&who, argc - options->first_operand,
			    argv + options->first_operand))
		return STATUS_FAILED;
	how.despite_seccomp = options->despite_seccomp;
	how.despite_memory = options->despite_memory;
	who.live = live_open(who.pid, &how);
	if (!who.live)
		return STATUS_FAILED;
	status = ask(&who);
	live_close(who.live);
	if (who.has_looked)
		model_free(&who.looked);
	return status;
}
