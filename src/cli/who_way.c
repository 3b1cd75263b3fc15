/*
 * who_way: the way from a root to a block, in words.
 *
 * The first pointer is in a variable, whose type says what it points to, and so
 * on: the type of each block is known from the pointer before it, or from its
 * own virtual table.
 */
#include "cli/types.h"
#include "cli/who.h"

#include <inttypes.h>
#include <string.h>

/* What begins at an address. */
struct content {
	struct type type;
	uint64_t start;
};

static const char *holder_text(struct model_process *process,
			       const struct model_pointer *pointer)
{
	struct arena *arena = &process->model->arena;
	const struct wire_pointer *wire = &pointer->wire;
	const char *thread =
		wire->thread == 0 ? "a thread"
		: wire->thread == process->wire.pid
			? "the main thread"
			: arena_print(arena, "thread %u", wire->thread);
	switch (wire->holder) {
	case WIRE_BY_REGISTER:
		return arena_print(arena, "register of %s", thread);
	case WIRE_BY_STACK:
		return arena_print(arena, "stack of %s", thread);
	case WIRE_BY_TLS:
		return arena_print(arena, "thread-local data of %s", thread);
	case WIRE_BY_REGION:
		return "region that the program registered";
	case WIRE_BY_OTHER_MAPPING:
		return pointer->name
			       ? arena_print(arena, "mapping %s", pointer->name)
			       : "mapping of the program";
	case WIRE_BY_IGNORED:
		return "the program's word that it is no leak";
	default:
		return "data";
	}
}

static const char *plus(struct arena *arena, const char *text, uint64_t offset)
{
	return arena_print(arena, "%s+%" PRIu64, text, offset);
}

static void describe_global(struct model_process *process,
			    struct who_place *place, struct type *target)
{
	struct arena *arena = &process->model->arena;
	const struct wire_pointer *wire = &place->pointer->wire;
	const struct model_module *module = model_module(process, wire->module);
	struct symbol_module *symbols = model_symbols(process, wire->module);
	struct variable variable = {.address = wire->address};
	const char *name;
	if (symbols)
		types_find_variable(symbols, wire->address, &variable);
	place->section = variable.section;
	place->variable = variable.name;
	place->offset = wire->address - variable.address;
	place->member =
		types_member(&variable.type, place->offset, false, target);
	name = variable.name;
	if (name && place->member)
		name = arena_print(arena, "%s%s", name, place->member);
	else if (name && place->offset)
		name = plus(arena, name, place->offset);
	else if (!name && module)
		name = arena_print(arena, "%s+0x%" PRIx64,
				   path_base(module->name), wire->address);
	place->text = arena_print(
		arena, "%s %s", place->section ? place->section : "data",
		name ? name : arena_print(arena, "at 0x%" PRIx64, wire->at));
}

/* Its class, if its first word tells that: more than the pointer's type, which
 * may be that of a base. */
static struct content content_of(struct model_process *process,
				 const struct wire_pointer *wire,
				 const struct content *told)
{
	struct content content = *told;
	const char *class = model_class(process, wire->first_word_module,
					wire->first_word_address);
	struct symbol_module *symbols =
		class ? model_symbols(process, wire->first_word_module) : NULL;
	struct type type = {0};
	if (symbols)
		type = types_find_class(symbols, class);
	if (type.is_known)
		content = (struct content){type, wire->block};
	return content;
}

static const char *type_text(struct model_process *process,
			     const struct model_pointer *pointer,
			     const struct content *content)
{
	const struct wire_pointer *wire = &pointer->wire;
	const char *name =
		content->type.is_known ? types_name(&content->type) : NULL;
	if (pointer->name)
		name = pointer->name;
	if (!name)
		name = model_class(process, wire->first_word_module,
				   wire->first_word_address);
	return name ? phrase_name(&process->model->arena, name) : NULL;
}

static void describe_block(struct model_process *process,
			   struct who_place *place, const struct content *told,
			   struct type *target)
{
	struct arena *arena = &process->model->arena;
	const struct wire_pointer *wire = &place->pointer->wire;
	struct content content = content_of(process, wire, told);
	const char *name;
	if (content.type.is_known && wire->at >= content.start)
		place->member = types_member(
			&content.type, wire->at - content.start, true, target);
	place->type = type_text(process, place->pointer, &content);
	place->offset = wire->at - wire->block;
	name = place->type ? place->type
			   : arena_print(arena, "%s block",
					 phrase_bytes(arena, wire->bytes));
	place->text = place->member
			      ? arena_print(arena, "%s%s", name, place->member)
			      : plus(arena, name, place->offset);
}

/* TOLD is what is known of what the pointer stands in; it becomes what is known
 * of what it points to. */
static void describe(struct model_process *process, struct who_place *place,
		     const struct model_pointer *pointer, struct content *told)
{
	struct type target = {0};
	*place = (struct who_place){.pointer = pointer};
	if (pointer->wire.holder == WIRE_BY_GLOBAL)
		describe_global(process, place, &target);
	else if (pointer->wire.holder == WIRE_BY_BLOCK)
		describe_block(process, place, told, &target);
	else
		place->text = holder_text(process, pointer);
	*told = (struct content){target, pointer->wire.value};
}

static const char *end_type(struct model_process *process,
			    const struct content *told)
{
	const struct model_who *who = process->who;
	struct model_pointer block = {
		.wire = {.block = who->wire.block,
			 .first_word_module = who->wire.first_word_module,
			 .first_word_address = who->wire.first_word_address},
		.name = who->type,
	};
	struct content content = content_of(process, &block.wire, told);
	return type_text(process, &block, &content);
}

static void describe_referrer(struct model_process *process,
			      const struct who_way *way,
			      struct who_place *place,
			      const struct model_pointer *pointer)
{
	const struct who_place *last =
		way->n_steps ? &way->steps[way->n_steps - 1] : NULL;
	struct content unknown = {0};
	/* Of this one more is known. */
	if (last && last->pointer->wire.at == pointer->wire.at &&
	    last->pointer->wire.holder == pointer->wire.holder)
		*place = *last;
	else
		describe(process, place, pointer, &unknown);
}

/*
 * What is left out of a way is most of a long list: if the steps before and
 * after it are alike, so are those between.
 */
static struct content content_after_gap(const struct model_pointer *before,
					const struct model_pointer *after,
					const struct content *told)
{
	const struct wire_pointer *one = &before->wire, *other = &after->wire;
	struct content content = {0};
	if (one->holder == WIRE_BY_BLOCK && other->holder == WIRE_BY_BLOCK &&
	    one->bytes == other->bytes &&
	    one->at - one->block == other->at - other->block)
		content = (struct content){told->type, other->block};
	return content;
}

void who_find_way(struct model_process *process, struct who_way *way)
{
	struct arena *arena = &process->model->arena;
	const struct model_who *who = process->who;
	struct content told = {0};
	*way = (struct who_way){
		.n_steps = who->n_steps,
		.n_referrers = who->n_referrers,
	};
	way->steps =
		arena_take(arena, (way->n_steps + 1) * sizeof(way->steps[0]));
	way->referrers = arena_take(arena, (way->n_referrers + 1) *
						   sizeof(way->referrers[0]));
	if (who->wire.n_steps > who->n_steps && who->n_steps > 1) {
		way->gap_at = who->n_steps / 2;
		way->n_left_out = who->wire.n_steps - who->n_steps;
	}
	for (size_t i = 0; i < way->n_steps; i++) {
		if (way->gap_at && i == way->gap_at)
			told = content_after_gap(&who->steps[i - 1],
						 &who->steps[i], &told);
		describe(process, &way->steps[i], &who->steps[i], &told);
	}
	way->type = end_type(process, &told);
	for (size_t i = 0; i < way->n_referrers; i++)
		describe_referrer(process, way, &way->referrers[i],
				  &who->referrers[i]);
}

/* More in a line cannot be read. */
#define SUMMARY_STEPS 12

static size_t count_equal(const struct who_way *way, size_t from)
{
	size_t end = from + 1;
	while (end < way->n_steps && !(way->gap_at && end == way->gap_at) &&
	       strcmp(way->steps[end].text, way->steps[from].text) == 0)
		end++;
	return end - from;
}

const char *who_summary(struct model_process *process,
			const struct who_way *way)
{
	struct arena *arena = &process->model->arena;
	const char *bytes = phrase_bytes(arena, process->who->wire.bytes);
	const char *text = "";
	size_t n_shown = 0;
	for (size_t i = 0, n; i < way->n_steps; i += n) {
		const char *gap =
			way->gap_at && i == way->gap_at
				? arena_print(arena,
					      "… %" PRIu64 " more steps … → ",
					      way->n_left_out)
				: "";
		n = count_equal(way, i);
		if (++n_shown > SUMMARY_STEPS && i + n < way->n_steps) {
			if (n_shown == SUMMARY_STEPS + 1)
				text = arena_print(arena, "%s… → ", text);
			continue;
		}
		text = arena_print(arena, "%s%s%s", text, gap,
				   way->steps[i].text);
		if (n > 1)
			text = arena_print(arena, "%s (×%zu)", text, n);
		text = arena_print(arena, "%s → ", text);
	}
	if (way->type)
		return arena_print(arena, "%s%s (%s)", text, way->type, bytes);
	return arena_print(arena, "%s%s block", text, bytes);
}

const char *who_verdict(const struct model_who *who)
{
	switch (who->wire.place) {
	case WIRE_IN_BLOCK:
		return who->wire.verdict == WIRE_REACHED
			       ? "reached"
			       : verdict_name(who->wire.verdict);
	case WIRE_IN_FREE:
		return "free";
	default:
		return "not-in-heap";
	}
}
