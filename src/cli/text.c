/*
 * text: a report for a person to read: what was lost, largest first, where it
 * came from, and what to look at.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MAX_FRAMES 12
#define MAX_EDGES 8
#define MAX_NAME_COLUMNS 40

#define RED "31;1"
#define YELLOW "33;1"
#define BOLD "1"
#define FAINT "2"

static void PRINTF_LIKE(3, 4)
	put(const struct view *view, const char *color, const char *format, ...)
{
	va_list arguments;
	if (view->has_color && color)
		fprintf(view->out, "\033[%sm", color);
	va_start(arguments, format);
	vfprintf(view->out, format, arguments);
	va_end(arguments);
	if (view->has_color && color)
		fputs("\033[0m", view->out);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* --- a finding ----------------------------------------------------------- */

static void put_frame(const struct view *view, struct arena *arena,
		      const struct model_frame *frame, int columns)
{
	const char *place = phrase_place(arena, frame);
	if (!frame->function) {
		put(view, NULL, "       %s\n", place);
		return;
	}
	put(view, NULL, "       ");
	put(view, BOLD, "%-*s", columns, phrase_name(arena, frame->function));
	put(view, NULL, "  %s", place);
	if (frame->is_inlined)
		put(view, FAINT, " (inlined)");
	put(view, NULL, "\n");
}

/* Without what called main(): that is the same in all programs. */
static size_t count_frames(const struct model_site *site)
{
	for (size_t i = 0; i < site->n_frames; i++) {
		const char *name = site->frames[i].function;
		if (name && strcmp(name, "main") == 0)
			return i + 1;
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

static void put_site(const struct view *view, struct arena *arena,
		     const struct model_site *site)
{
	size_t first = first_frame(site), end = count_frames(site);
	size_t shown = end - first > MAX_FRAMES ? first + MAX_FRAMES : end;
	int columns = 0;
	for (size_t i = first; i < shown; i++) {
		const char *name = site->frames[i].function;
		name = name ? phrase_name(arena, name) : "";
		int length = (int)strnlen(name, MAX_NAME_COLUMNS);
		if (length > columns)
			columns = length;
	}
	put(view, NULL, "     allocated by\n");
	for (size_t i = first; i < shown; i++)
		put_frame(view, arena, &site->frames[i], columns);
	if (end > shown)
		put(view, FAINT, "       … %zu more\n", end - shown);
}

static const struct model_member *
find_member(const struct model_finding *finding, uint32_t index)
{
	for (size_t i = 0; i < finding->n_members; i++) {
		if (finding->members[i].wire.index == index)
			return &finding->members[i];
	}
	return NULL;
}

/* "#0 Node (32 B) +8 → #1+16" */
static void put_edge(const struct view *view, struct model_process *process,
		     const struct model_finding *finding,
		     const struct wire_edge *edge)
{
	const struct model_member *from = find_member(finding, edge->from);
	if (from)
		put(view, NULL, "     %s", phrase_member(process, from));
	else
		put(view, NULL, "     #%u", edge->from);
	put(view, NULL, " +%" PRIu64 " → #%u", edge->offset, edge->to);
	if (edge->to_offset)
		put(view, NULL, "+%" PRIu64, edge->to_offset);
	if (edge->closes)
		put(view, RED, "  closes the cycle");
	put(view, NULL, "\n");
}

static void put_edges(const struct view *view, struct model_process *process,
		      const struct model_finding *finding)
{
	size_t n = finding->n_edges > MAX_EDGES ? MAX_EDGES : finding->n_edges;
	for (size_t i = 0; i < n; i++)
		put_edge(view, process, finding, &finding->edges[i]);
	if (finding->n_edges > n)
		put(view, FAINT, "     … %zu more pointer%s\n",
		    finding->n_edges - n, plural(finding->n_edges - n));
}

/* All that is known of a block when nobody saw it allocated. */
static void put_contents(const struct view *view, struct model_process *process,
			 const struct model_member *member)
{
	const struct wire_member *wire = &member->wire;
	put(view, NULL, "     %s at 0x%" PRIx64 ", holds\n",
	    phrase_member(process, member), wire->address);
	for (uint32_t at = 0; at < wire->contents_bytes; at += 16) {
		put(view, NULL, "       ");
		for (uint32_t i = at; i < at + 16; i++) {
			if (i < wire->contents_bytes)
				put(view, NULL, "%02x ", wire->contents[i]);
			else
				put(view, NULL, "   ");
		}
		put(view, NULL, " ");
		for (uint32_t i = at; i < at + 16; i++) {
			uint8_t byte = i < wire->contents_bytes
					       ? wire->contents[i]
					       : ' ';
			put(view, NULL, "%c",
			    byte >= 0x20 && byte < 0x7f ? byte : '.');
		}
		put(view, NULL, "\n");
	}
}

static void put_unknown_site(const struct view *view,
			     struct model_process *process,
			     const struct model_finding *finding)
{
	size_t n = finding->n_members < 2 ? finding->n_members : 2;
	put(view, NULL, "     where it was allocated is not known\n");
	for (size_t i = 0; i < n; i++)
		put_contents(view, process, &finding->members[i]);
}

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

static void put_hint(const struct view *view, struct model_process *process,
		     const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	const struct model_site *site = model_site(process, finding->wire.site);
	const char *hint = NULL;
	switch (finding->wire.verdict) {
	case WIRE_LOST:
		hint = hint_for_lost(arena, finding, model_user_frame(site));
		break;
	case WIRE_CYCLE:
	case WIRE_INNER_CYCLE:
		hint = hint_for_cycle(arena, finding);
		break;
	case WIRE_SHARED:
		hint = "it goes when all that hold it free what they hold";
		break;
	default:
		return;
	}
	put(view, NULL, "     hint: %s\n", hint);
}

static void put_finding(const struct view *view, struct model_process *process,
			const struct model_finding *finding)
{
	const struct model_site *site = model_site(process, finding->wire.site);
	bool is_lost = verdict_bit(finding->wire.verdict) & VERDICTS_LOST;
	put(view, NULL, "\n");
	put(view, BOLD, "%-3u  ", finding->wire.id);
	put(view, is_lost ? RED : YELLOW, "%s",
	    phrase_finding(process, finding));
	put(view, NULL, "\n");
	put_edges(view, process, finding);
	if (site && site->n_frames)
		put_site(view, &process->model->arena, site);
	else
		put_unknown_site(view, process, finding);
	put_hint(view, process, finding);
}

/* --- a process ----------------------------------------------------------- */

static void put_total(const struct view *view, struct arena *arena,
		      const char *name, uint64_t blocks, uint64_t bytes,
		      const char *remark)
{
	put(view, NULL, "  %-11s%s, %s%s\n", name, phrase_blocks(arena, blocks),
	    phrase_bytes(arena, bytes), remark);
}

static void put_uncertain(const struct view *view,
			  const struct model_process *process)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} notes[] = {
		{WIRE_OUT_OF_MEMORY,
		 "the trace ran out of memory and gave up: what is lost is "
		 "not known"},
		{WIRE_THREADS_RAN,
		 "threads could not be stopped and changed memory meanwhile"},
		{WIRE_REGISTERS_UNSEEN,
		 "registers of some threads were not seen"},
	};
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (process->wire.flags & notes[i].flag)
			put(view, YELLOW, "  uncertain  %s\n", notes[i].text);
	}
	if (!process->is_complete)
		put(view, YELLOW, "  uncertain  the report is not complete\n");
	if (process->wire.unread_bytes)
		put(view, YELLOW,
		    "  uncertain  %s of memory could not be read\n",
		    phrase_bytes(&process->model->arena,
				 process->wire.unread_bytes));
}

static void put_modules(const struct view *view,
			const struct model_process *process)
{
	for (size_t i = 0; i < process->n_modules; i++) {
		const struct model_module *module = &process->modules[i];
		if (!module->symbols || module->name[0] != '/')
			continue;
		if (symbols_state(module->symbols) == SYMBOLS_OTHER_FILE)
			put(view, YELLOW,
			    "  no names   %s was replaced since (another "
			    "build-id)\n",
			    module->name);
		else if (symbols_state(module->symbols) == SYMBOLS_NO_FILE)
			put(view, YELLOW, "  no names   %s cannot be read\n",
			    module->name);
	}
}

static void put_totals(const struct view *view, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	bool shows_possible = view->show & 1u << WIRE_POSSIBLE;
	bool shows_foreign = view->show & 1u << WIRE_FOREIGN;
	put(view, NULL, "\n");
	put_total(view, arena, "live heap", all->live_blocks, all->live_bytes,
		  "");
	put_total(view, arena, "lost", all->lost_blocks, all->lost_bytes, "");
	if (all->possible_blocks)
		put_total(view, arena, "possible", all->possible_blocks,
			  all->possible_bytes,
			  shows_possible ? ""
					 : ", held only by pointers to their "
					   "inside, or less "
					   "(--show=possible lists them)");
	if (all->foreign_blocks)
		put_total(view, arena, "foreign", all->foreign_blocks,
			  all->foreign_bytes,
			  shows_foreign ? ""
					: ", held only by memory that is no "
					  "data of the program "
					  "(--show=foreign lists them)");
	if (all->suppressed_blocks)
		put_total(view, arena, "suppressed", all->suppressed_blocks,
			  all->suppressed_bytes, "");
	put(view, NULL,
	    "  %-11s%s of data and stacks, %s of heap, in %.1f ms\n", "scanned",
	    phrase_bytes(arena, all->root_bytes),
	    phrase_bytes(arena, all->heap_bytes), (double)all->traced_ns / 1e6);
	put(view, NULL, "  %-11s%u, stopped for %.1f ms\n", "threads",
	    all->n_threads, (double)all->stopped_ns / 1e6);
	if (all->flags & WIRE_SITES_SAMPLED)
		put(view, NULL,
		    "  %-11sof a sample of blocks only (--sites=all)\n",
		    "sites");
	put_uncertain(view, process);
	put_modules(view, process);
}

static size_t count_shown(const struct view *view,
			  const struct model_process *process,
			  unsigned int verdicts)
{
	size_t n = 0;
	for (size_t i = 0; i < process->n_findings; i++) {
		const struct model_finding *finding = &process->findings[i];
		if ((verdict_bit(finding->wire.verdict) & verdicts) &&
		    finding_is_shown(view, finding))
			n++;
	}
	return n;
}

static void put_findings(const struct view *view, struct model_process *process)
{
	size_t n_shown = count_shown(view, process, ~0u);
	size_t n = 0;
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		if (!finding_is_shown(view, finding))
			continue;
		if (view->max_findings && n == view->max_findings)
			break;
		put_finding(view, process, finding);
		n++;
	}
	if (n_shown > n)
		put(view, NULL,
		    "\n     … %zu more finding%s (--max=0 shows all)\n",
		    n_shown - n, plural(n_shown - n));
}

/* The rest of the line that says there is nothing. */
static void put_clean(const struct view *view, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	bool is_known =
		process->is_complete && !(all->flags & WIRE_OUT_OF_MEMORY);
	put(view, NULL, "tarn: %s (pid %u): %s; %s, %s live", process->program,
	    all->pid, is_known ? "nothing lost" : "no findings",
	    phrase_blocks(arena, all->live_blocks),
	    phrase_bytes(arena, all->live_bytes));
	if (all->possible_blocks)
		put(view, NULL, "; %s possibly lost",
		    phrase_blocks(arena, all->possible_blocks));
	if (all->suppressed_blocks)
		put(view, NULL, "; %s suppressed",
		    phrase_blocks(arena, all->suppressed_blocks));
	put(view, NULL, "\n");
	put_uncertain(view, process);
}

static void put_process(const struct view *view, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	size_t n_lost = count_shown(view, process, VERDICTS_LOST);
	if (!count_shown(view, process, ~0u) && !all->lost_blocks) {
		put_clean(view, process);
		return;
	}
	put(view, NULL, "tarn: ");
	put(view, BOLD, "leaks of %s (pid %u): %s lost, %s, in %zu finding%s",
	    process->program, all->pid, phrase_blocks(arena, all->lost_blocks),
	    phrase_bytes(arena, all->lost_bytes), n_lost, plural(n_lost));
	put(view, NULL, "\n");
	put_findings(view, process);
	put_totals(view, process);
}

void text_render(const struct view *view, struct model *model)
{
	for (size_t i = 0; i < model->n_processes; i++)
		put_process(view, model->processes[i]);
}
