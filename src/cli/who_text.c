/*
 * who_text: for people, who holds a block: the way in one line, then step by
 * step, then all that points to it.
 */
#include "cli/text.h"
#include "cli/who.h"

#include <inttypes.h>
#include <string.h>

#define MAX_PLACE_COLUMNS 40
/* Of a long way so many steps at either end, without --max=0. */
#define MANY_STEPS 24

/* UTF-8 takes more bytes than columns. */
static int columns_of(const char *text)
{
	int n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static const char *from_site(struct model_process *process, uint32_t site)
{
	struct arena *arena = &process->model->arena;
	const char *frame = phrase_frame(
		arena, model_user_frame(model_site(process, site)));
	return frame ? arena_print(arena, ", from %s", frame) : "";
}

/* Where to look for it in memory. */
static const char *detail(struct model_process *process,
			  const struct who_place *place)
{
	struct arena *arena = &process->model->arena;
	const struct wire_pointer *wire = &place->pointer->wire;
	const struct model_module *module = model_module(process, wire->module);
	switch (wire->holder) {
	case WIRE_BY_BLOCK:
		return arena_print(arena, "in 0x%" PRIx64 " (%s)%s",
				   wire->block,
				   phrase_bytes(arena, wire->bytes),
				   from_site(process, wire->site));
	case WIRE_BY_GLOBAL:
		if (module)
			return arena_print(arena, "at 0x%" PRIx64 ", %s",
					   wire->at, path_base(module->name));
		break;
	default:
		break;
	}
	return wire->at ? arena_print(arena, "at 0x%" PRIx64, wire->at) : "";
}

static int widest(const struct who_place *places, size_t n)
{
	int columns = 0;
	for (size_t i = 0; i < n; i++) {
		int n_columns = columns_of(places[i].text);
		if (n_columns > columns && n_columns <= MAX_PLACE_COLUMNS)
			columns = n_columns;
	}
	return columns;
}

static void put_place(const struct view *view, struct model_process *process,
		      const struct who_place *place, int columns)
{
	text_put(view, BOLD, "%s", place->text);
	text_put(view, NULL, "%*s  %s\n",
		 columns > columns_of(place->text)
			 ? columns - columns_of(place->text)
			 : 0,
		 "", detail(process, place));
}

/* The number of a step counts those that were left out, too. */
static uint64_t number_of(const struct who_way *way, size_t i)
{
	return way->gap_at && i >= way->gap_at ? i + 1 + way->n_left_out
					       : i + 1;
}

static bool is_hidden(const struct view *view, const struct who_way *way,
		      size_t i)
{
	return view->max_findings && way->n_steps > 2 * MANY_STEPS &&
	       i >= MANY_STEPS && i < way->n_steps - MANY_STEPS;
}

static void put_way(const struct view *view, struct model_process *process,
		    const struct who_way *way)
{
	const struct wire_who *wire = &process->who->wire;
	struct arena *arena = &process->model->arena;
	int columns = widest(way->steps, way->n_steps);
	uint64_t before = 0;
	text_put(view, NULL, "\n");
	for (size_t i = 0; i < way->n_steps; i++) {
		uint64_t number = number_of(way, i);
		if (is_hidden(view, way, i))
			continue;
		if (number > before + 1)
			text_put(view, FAINT,
				 "       … %" PRIu64 " more steps\n",
				 number - before - 1);
		text_put(view, NULL, "  %3" PRIu64 "  ", number);
		put_place(view, process, &way->steps[i], columns);
		before = number;
	}
	text_put(view, NULL, "    →  ");
	text_put(view, BOLD, "%-*s", columns, way->type ? way->type : "block");
	text_put(view, NULL, "  0x%" PRIx64 " (%s)%s\n", wire->block,
		 phrase_bytes(arena, wire->bytes),
		 from_site(process, wire->site));
}

static void put_referrers(const struct view *view,
			  struct model_process *process,
			  const struct who_way *way)
{
	const struct wire_who *wire = &process->who->wire;
	int columns = widest(way->referrers, way->n_referrers);
	size_t n = way->n_referrers;
	if (view->max_findings && n > view->max_findings)
		n = view->max_findings;
	if (wire->n_referrers == 0)
		return;
	text_put(view, NULL, "\n  %" PRIu64 " pointer%s to it\n",
		 wire->n_referrers, phrase_plural(wire->n_referrers));
	for (size_t i = 0; i < n; i++) {
		text_put(view, NULL, "       ");
		put_place(view, process, &way->referrers[i], columns);
	}
	if (wire->n_referrers > n)
		text_put(view, FAINT, "       … %" PRIu64 " more%s\n",
			 wire->n_referrers - n,
			 way->n_referrers > n ? " (--max=0 shows more)" : "");
}

/* --- what it is ---------------------------------------------------------- */

static const char *explain_verdict(uint32_t verdict)
{
	switch (verdict) {
	case WIRE_REACHED:
		return "held";
	case WIRE_FOREIGN:
		return "held only by memory that is no data of the program";
	case WIRE_POSSIBLE:
		return "possibly lost: held only by pointers to an inside, or "
		       "less";
	default:
		return "lost: no root reaches it";
	}
}

static void put_block(const struct view *view, struct model_process *process,
		      const struct who_way *way)
{
	struct arena *arena = &process->model->arena;
	const struct wire_who *wire = &process->who->wire;
	uint64_t inside = wire->asked - wire->block;
	text_put(
		view, BOLD, "0x%" PRIx64 " is %s", wire->asked,
		inside ? arena_print(arena, "%" PRIu64 " bytes inside ", inside)
		       : "");
	text_put(view, BOLD, "a block of %s", phrase_bytes(arena, wire->bytes));
	if (way->type)
		text_put(view, BOLD, ", %s", way->type);
	text_put(view, wire->verdict == WIRE_REACHED ? NULL : RED, "; %s\n",
		 explain_verdict(wire->verdict));
	if (way->n_steps)
		text_put(view, NULL, "     %s\n", who_summary(process, way));
}

static void put_finding(const struct view *view, struct model_process *process,
			const struct who_more *more)
{
	bool is_lost = verdict_bit(process->who->wire.verdict) & VERDICTS_LOST;
	if (more->finding)
		text_put(view, NULL, "     finding %u of 'tarn leaks %d': %s\n",
			 more->finding->wire.id, (int)more->pid,
			 phrase_finding(more->process, more->finding));
	else
		text_put(view, NULL, "     'tarn leaks %d%s' tells more\n",
			 (int)more->pid, is_lost ? "" : " --show=all");
}

static void put_uncertain(const struct view *view,
			  const struct model_process *process)
{
	const char *doubts[EXPLAIN_DOUBTS_MAX];
	size_t n = explain_doubts(process, doubts);
	for (size_t i = 0; i < n; i++)
		text_put(view, YELLOW, "\n  uncertain  %s", doubts[i]);
	if (n)
		text_put(view, NULL, "\n");
}

void who_render_text(const struct view *view, struct model_process *process,
		     const struct who_way *way, const struct who_more *more)
{
	const struct wire_who *wire = &process->who->wire;
	const struct model_site *site = model_site(process, wire->site);
	text_put(view, NULL, "tarn: %s (pid %d): ", process->program,
		 (int)more->pid);
	if (wire->place == WIRE_IN_FREE) {
		text_put(view, BOLD, "0x%" PRIx64 " is no live block",
			 wire->asked);
		text_put(view, NULL,
			 ": what was there is freed, or nothing was yet\n");
	} else if (wire->place != WIRE_IN_BLOCK) {
		text_put(view, BOLD, "0x%" PRIx64 " is not in the heap",
			 wire->asked);
		text_put(view, NULL, "; %s%s\n",
			 more->mapping ? "it lies in " : "nothing is there",
			 more->mapping ? more->mapping : "");
	} else {
		put_block(view, process, way);
		if (wire->verdict != WIRE_REACHED)
			put_finding(view, process, more);
		if (way->n_steps)
			put_way(view, process, way);
		put_referrers(view, process, way);
		if (site && site->n_frames) {
			text_put(view, NULL, "\n");
			text_put_site(view, &process->model->arena, site,
				      "allocated by");
		}
	}
	put_uncertain(view, process);
}
