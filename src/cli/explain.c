/*
 * explain: what to say of a finding and of a report besides amounts: which
 * calls to show, what may be done, what is not certain. Text and page say it.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <string.h>

/* --- calls --------------------------------------------------------------- */

/* Without what called main(), or a thread's function: that is the same in all
 * programs. */
static size_t count_frames(const struct model_site *site)
{
	for (size_t i = 0; i < site->n_frames; i++) {
		const char *name = site->frames[i].function;
		if (name && strcmp(name, "main") == 0)
			return i + 1;
		if (i > 0 && name && strcmp(name, "start_thread") == 0)
			return i;
	}
	return site->n_frames;
}

/* Without what the C++ library's headers put before the caller: allocators,
 * containers, smart pointers. */
static size_t first_frame(const struct model_site *site)
{
	size_t i = 0;
	while (i < site->n_frames && site->frames[i].file &&
	       strstr(site->frames[i].file, "/c++/"))
		i++;
	return i < site->n_frames ? i : 0;
}

size_t explain_calls(const struct model_site *site, size_t *first)
{
	size_t end = count_frames(site);
	*first = first_frame(site);
	if (*first > end)
		*first = 0;
	return end;
}

const struct model_frame *explain_caller(const struct model_site *site,
					 const struct model_frame *frame)
{
	size_t first, end;
	if (!site || !frame)
		return NULL;
	end = explain_calls(site, &first);
	for (size_t i = (size_t)(frame - site->frames) + 1; i < end; i++) {
		if (site->frames[i].function)
			return &site->frames[i];
	}
	return NULL;
}

/* --- hints --------------------------------------------------------------- */

/* The edge to look at: the one marked, else the last. */
static const struct wire_edge *closing_edge(const struct model_finding *finding)
{
	for (size_t i = 0; i < finding->n_edges; i++) {
		if (finding->edges[i].closes)
			return &finding->edges[i];
	}
	return finding->n_edges ? &finding->edges[finding->n_edges - 1] : NULL;
}

static const char *hint_for_cycle(struct arena *arena,
				  const struct model_finding *finding)
{
	const struct wire_edge *edge = closing_edge(finding);
	const char *which =
		edge ? arena_print(arena, ": #%u+%" PRIu64 " → #%u", edge->from,
				   edge->offset, edge->to)
		     : "";
	if (edge && edge->from == edge->to)
		return arena_print(arena,
				   "the block points to itself%s; only free() "
				   "by its owner can end that",
				   which);
	if (finding->wire.verdict == WIRE_INNER_CYCLE)
		return arena_print(arena,
				   "freeing what holds it is not enough: a "
				   "pointer of it should be weak, or be "
				   "cleared%s",
				   which);
	return arena_print(arena,
			   "one of these pointers should be weak, or be "
			   "cleared when the owner lets go%s",
			   which);
}

static const char *hint_for_lost(struct arena *arena,
				 const struct model_finding *finding,
				 const struct model_frame *frame)
{
	bool holds_more =
		finding->wire.retained_blocks > finding->wire.own_blocks;
	const char *where =
		frame && frame->function && frame->file
			? arena_print(arena, " after %s at %s", frame->function,
				      phrase_place(arena, frame))
			: "";
	return arena_print(
		arena,
		"the last pointer to it was overwritten or went "
		"out of scope%s%s",
		where, holds_more ? "; what it holds is to be freed too" : "");
}

const char *explain_hint(struct model_process *process,
			 const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	const struct model_site *site = model_site(process, finding->wire.site);
	switch (finding->wire.verdict) {
	case WIRE_LOST:
		return hint_for_lost(arena, finding, model_user_frame(site));
	case WIRE_CYCLE:
	case WIRE_INNER_CYCLE:
		return hint_for_cycle(arena, finding);
	case WIRE_SHARED:
		return "it goes when all that hold it free what they hold";
	default:
		return NULL;
	}
}

/* --- growth -------------------------------------------------------------- */

const char *explain_growing_hint(const struct model_process *process,
				 const struct model_growing *growing)
{
	if (!growing->example.wire.address)
		return NULL;
	return arena_print(&process->model->arena,
			   "'tarn who %u 0x%" PRIx64
			   "' tells what holds one of them",
			   process->wire.pid, growing->example.wire.address);
}

const char *explain_no_sites(void)
{
	return "none of them is in the sample; more or longer looks may tell";
}

const char *explain_growth_sites(const struct model_growth *growth)
{
	if (growth->n_all == 0 || !growth->all[0].is_sampled)
		return NULL;
	return "of a sample of blocks, noted since the first look; sizes and "
	       "numbers are of all";
}

const char *explain_growth_doubt(const struct model_growth *growth)
{
	if (growth->n_looks != 2)
		return NULL;
	return "one interval tells little: what only fills up grows, too "
	       "(--looks=4)";
}

/* --- the report ---------------------------------------------------------- */

const char *explain_total(uint32_t verdict)
{
	switch (verdict) {
	case WIRE_POSSIBLE:
		return "held only by pointers to their inside, or less";
	case WIRE_FOREIGN:
		return "held only by memory that is no data of the program";
	default:
		return "";
	}
}

const char *explain_lost(const struct model_process *process, size_t n_findings)
{
	struct arena *arena = &process->model->arena;
	return arena_print(arena, "%s lost, %s, in %zu finding%s",
			   phrase_blocks(arena, process->wire.lost_blocks),
			   phrase_bytes(arena, process->wire.lost_bytes),
			   n_findings, phrase_plural(n_findings));
}

size_t explain_sited_member(const struct model_finding *finding)
{
	size_t i = 0;
	while (i < finding->n_members && finding->members[i].wire.site == 0)
		i++;
	return i;
}

static bool is_alike(const struct wire_finding *a, const struct wire_finding *b)
{
	return a->verdict == b->verdict && a->count > 0 && b->count > 0 &&
	       a->own_blocks / a->count == b->own_blocks / b->count &&
	       a->own_bytes / a->count == b->own_bytes / b->count;
}

uint32_t explain_alike(const struct model_process *process,
		       const struct model_finding *finding)
{
	for (size_t i = 0; i < process->n_findings; i++) {
		const struct model_finding *other = &process->findings[i];
		if (!other->is_suppressed &&
		    is_alike(&other->wire, &finding->wire) &&
		    explain_sited_member(other) < other->n_members)
			return other->wire.id;
	}
	return 0;
}

const char *explain_clean(const struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	bool is_known =
		process->is_complete && !(all->flags & WIRE_OUT_OF_MEMORY);
	const char *possible = "", *suppressed = "";
	if (all->possible_blocks)
		possible =
			arena_print(arena, "; %s possibly lost",
				    phrase_blocks(arena, all->possible_blocks));
	if (all->suppressed_blocks)
		suppressed = arena_print(
			arena, "; %s suppressed",
			phrase_blocks(arena, all->suppressed_blocks));
	return arena_print(arena, "%s; %s, %s live%s%s",
			   is_known ? "nothing lost" : "no findings",
			   phrase_blocks(arena, all->live_blocks),
			   phrase_bytes(arena, all->live_bytes), possible,
			   suppressed);
}

/* Below this a pause is mostly what does not depend on the heap's size. */
#define LARGE_HEAP_BYTES ((uint64_t)100 << 20)

const char *explain_stop(const struct model_process *process)
{
	const unsigned int doubts = WIRE_THREADS_RAN | WIRE_REGISTERS_UNSEEN;
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	double stopped_ms = (double)all->stopped_ns / 1e6;
	bool is_live = all->flags & WIRE_LIVE;
	const char *rate = "";
	if (is_live && all->live_bytes > LARGE_HEAP_BYTES)
		rate = arena_print(arena, " (%.1f ms per GiB)",
				   stopped_ms * 0x1p30 /
					   (double)all->live_bytes);
	return arena_print(
		arena, "%u, stopped for %.1f ms%s%s%s", all->n_threads,
		stopped_ms, is_live && all->n_looks > 1 ? " at most" : "", rate,
		is_live && !(all->flags & doubts) ? "; all registers were seen"
						  : "");
}

static const char *flag_doubt(uint32_t flag)
{
	switch (flag) {
	case WIRE_OUT_OF_MEMORY:
		return "the trace ran out of memory and gave up: what is lost "
		       "is not known";
	case WIRE_THREADS_RAN:
		return "threads could not be stopped and changed memory "
		       "meanwhile";
	default:
		return "registers of some threads were not seen";
	}
}

size_t explain_doubts(const struct model_process *process,
		      const char *doubts[EXPLAIN_DOUBTS_MAX])
{
	static const uint32_t flags[] = {WIRE_OUT_OF_MEMORY, WIRE_THREADS_RAN,
					 WIRE_REGISTERS_UNSEEN};
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	size_t n = 0;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (all->flags & flags[i])
			doubts[n++] = flag_doubt(flags[i]);
	}
	if (!process->is_complete)
		doubts[n++] = "the report is not complete";
	if (all->unread_bytes)
		doubts[n++] =
			arena_print(arena, "%s of memory could not be read",
				    phrase_bytes(arena, all->unread_bytes));
	if (all->unconfirmed_blocks)
		doubts[n++] = arena_print(
			arena, "%s, %s, lost in the last look but not before",
			phrase_blocks(arena, all->unconfirmed_blocks),
			phrase_bytes(arena, all->unconfirmed_bytes));
	return n;
}

const char *explain_module(struct arena *arena,
			   const struct model_module *module)
{
	if (!module->symbols || module->name[0] != '/')
		return NULL;
	switch (symbols_state(module->symbols)) {
	case SYMBOLS_OTHER_FILE:
		return arena_print(arena,
				   "%s was replaced since (another build-id)",
				   module->name);
	case SYMBOLS_NO_FILE:
		return arena_print(arena, "%s cannot be read", module->name);
	default:
		return NULL;
	}
}
