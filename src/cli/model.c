/*
 * model: what renderers ask about a report that was read.
 */
#include "cli/model.h"

#include <stdlib.h>
#include <string.h>

void model_start(struct model *model)
{
	*model = (struct model){0};
	model->symbols = symbols_new(&model->arena);
}

void model_free(struct model *model)
{
	symbols_free(model->symbols);
	arena_free(&model->arena);
}

/* --- modules and sites --------------------------------------------------- */

static struct model_module *find_module(struct model_process *process,
					uint32_t id)
{
	size_t low = 0, high = process->n_modules;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (process->modules[middle].wire.id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == process->n_modules || process->modules[low].wire.id != id)
		return NULL;
	return &process->modules[low];
}

static struct symbol_module *symbols_of(struct model_process *process,
					struct model_module *module)
{
	size_t bytes = module->wire.build_id_bytes;
	if (bytes > WIRE_BUILD_ID_BYTES)
		bytes = WIRE_BUILD_ID_BYTES;
	if (!module->symbols)
		module->symbols =
			symbols_open(process->model->symbols, module->path,
				     module->wire.build_id, bytes);
	return module->symbols;
}

struct symbol_module *model_symbols(struct model_process *process,
				    uint32_t module)
{
	struct model_module *found = find_module(process, module);
	return found ? symbols_of(process, found) : NULL;
}

const struct model_module *model_module(struct model_process *process,
					uint32_t id)
{
	return find_module(process, id);
}

static void add_frame(struct model_process *process, struct model_site *site,
		      const struct model_frame *frame)
{
	site->frames = arena_grow(&process->model->arena, site->frames,
				  site->n_frames, sizeof(*frame));
	site->frames[site->n_frames++] = *frame;
}

static void resolve_frame(struct model_process *process,
			  struct model_site *site,
			  const struct wire_frame *written)
{
	struct model_module *module = find_module(process, written->module);
	const struct symbol_frame *found = NULL;
	struct model_frame frame = {
		.address = written->address,
		.process_address = written->address,
	};
	size_t n = 0;
	if (module && module->is_tarn)
		return;
	if (module) {
		frame.module = module->name;
		frame.process_address += module->wire.bias;
		/* The call, not what it returned to. */
		n = symbols_look_up(symbols_of(process, module),
				    written->address - 1, &found);
	}
	for (size_t i = 0; i < n; i++) {
		frame.function = found[i].function;
		frame.file = found[i].file;
		frame.line = found[i].line;
		frame.column = found[i].column;
		frame.is_inlined = found[i].is_inlined;
		add_frame(process, site, &frame);
	}
	if (n == 0)
		add_frame(process, site, &frame);
}

static struct model_site *find_site(struct model_process *process, uint32_t id)
{
	size_t low = 0, high = process->n_sites;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (process->sites[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == process->n_sites || process->sites[low].id != id)
		return NULL;
	return &process->sites[low];
}

const struct model_site *model_site(struct model_process *process, uint32_t id)
{
	struct model_site *site = id ? find_site(process, id) : NULL;
	if (!site)
		return NULL;
	if (!site->is_resolved) {
		site->is_resolved = true;
		for (size_t i = 0; i < site->n_written; i++)
			resolve_frame(process, site, &site->written[i]);
	}
	return site;
}

static bool is_system_path(const char *path)
{
	static const char *const prefixes[] = {"/lib/", "/lib64/", "/usr/lib/",
					       "/usr/lib64/", "["};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

/* Headers of the system, such as libstdc++'s, are inlined into the user's. */
static bool is_user_frame(const struct model_frame *frame)
{
	return frame->module && !is_system_path(frame->module) &&
	       !(frame->file && strncmp(frame->file, "/usr/", 5) == 0);
}

const struct model_frame *model_user_frame(const struct model_site *site)
{
	if (!site || site->n_frames == 0)
		return NULL;
	for (size_t i = 0; i < site->n_frames; i++) {
		if (is_user_frame(&site->frames[i]))
			return &site->frames[i];
	}
	return &site->frames[0];
}

/* --- findings ------------------------------------------------------------ */

const struct model_finding *model_finding(const struct model_process *process,
					  uint32_t id)
{
	/* As a rule they are numbered without gaps. */
	if (id && id <= process->n_findings &&
	    process->findings[id - 1].wire.id == id)
		return &process->findings[id - 1];
	for (size_t i = 0; i < process->n_findings; i++) {
		if (process->findings[i].wire.id == id)
			return &process->findings[i];
	}
	return NULL;
}

const char *model_class(struct model_process *process, uint32_t module,
			uint64_t address)
{
	static const char prefix[] = "vtable for ";
	struct symbol_module *symbols = model_symbols(process, module);
	const char *name = symbols ? symbols_name(symbols, address) : NULL;
	if (!name || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	return name + sizeof(prefix) - 1;
}

const char *model_member_type(struct model_process *process,
			      const struct model_member *member)
{
	if (member->type)
		return member->type;
	return model_class(process, member->wire.first_word_module,
			   member->wire.first_word_address);
}

const char *model_finding_type(struct model_process *process,
			       const struct model_finding *finding)
{
	if (finding->type || finding->n_members == 0)
		return finding->type;
	return model_member_type(process, &finding->members[0]);
}

static void move(uint64_t *from, uint64_t *to, uint64_t n)
{
	if (n > *from)
		n = *from;
	*from -= n;
	*to += n;
}

void model_suppress(struct model_process *process,
		    struct model_finding *finding)
{
	struct wire_process *all = &process->wire;
	const struct wire_finding *wire = &finding->wire;
	uint64_t *blocks = &all->lost_blocks, *bytes = &all->lost_bytes;
	if (finding->is_suppressed)
		return;
	finding->is_suppressed = true;
	if (wire->verdict == WIRE_POSSIBLE) {
		blocks = &all->possible_blocks;
		bytes = &all->possible_bytes;
	} else if (wire->verdict == WIRE_FOREIGN) {
		blocks = &all->foreign_blocks;
		bytes = &all->foreign_bytes;
	}
	/* An inner cycle is counted where its owner is. */
	if (wire->verdict != WIRE_INNER_CYCLE) {
		move(blocks, &all->suppressed_blocks, wire->retained_blocks);
		move(bytes, &all->suppressed_bytes, wire->retained_bytes);
	}
}

static bool has_growing(const struct model_process *process)
{
	const struct model_growth *growth = process->growth;
	for (size_t i = 0; growth && i < growth->n_all; i++) {
		if (!growth->all[i].is_suppressed)
			return true;
	}
	return false;
}

bool model_has_findings(const struct model *model, unsigned int verdicts)
{
	for (size_t i = 0; i < model->n_processes; i++) {
		const struct model_process *process = model->processes[i];
		if ((verdicts & 1u << WIRE_REACHED) && has_growing(process))
			return true;
		for (size_t j = 0; j < process->n_findings; j++) {
			const struct model_finding *finding =
				&process->findings[j];
			if (!finding->is_suppressed &&
			    (verdict_bit(finding->wire.verdict) & verdicts))
				return true;
		}
	}
	return false;
}
