/*
 * text: a report for a person to read: what was lost, largest first, where it
 * came from, and what to look at.
 */
#include "cli/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define MAX_FRAMES 12
#define MAX_EDGES 8
#define MAX_NAME_COLUMNS 40

void text_put(const struct view *view, const char *color, const char *format,
	      ...)
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

/* --- a finding ----------------------------------------------------------- */

static void put_frame(const struct view *view, struct arena *arena,
		      const struct model_frame *frame, int columns)
{
	const char *place = phrase_place(arena, frame);
	if (!frame->function) {
		text_put(view, NULL, "       %s\n", place);
		return;
	}
	text_put(view, NULL, "       ");
	text_put(view, BOLD, "%-*s", columns,
		 phrase_name(arena, frame->function));
	text_put(view, NULL, "  %s", place);
	if (frame->is_inlined)
		text_put(view, FAINT, " (inlined)");
	text_put(view, NULL, "\n");
}

void text_put_site(const struct view *view, struct arena *arena,
		   const struct model_site *site, const char *title)
{
	size_t first, end = explain_calls(site, &first);
	size_t shown = end - first > MAX_FRAMES ? first + MAX_FRAMES : end;
	int columns = 0;
	for (size_t i = first; i < shown; i++) {
		const char *name = site->frames[i].function;
		name = name ? phrase_name(arena, name) : "";
		int length = (int)strnlen(name, MAX_NAME_COLUMNS);
		if (length > columns)
			columns = length;
	}
	text_put(view, NULL, "     %s\n", title);
	for (size_t i = first; i < shown; i++)
		put_frame(view, arena, &site->frames[i], columns);
	if (end > shown)
		text_put(view, FAINT, "       … %zu more\n", end - shown);
}

/* "#0 Node (32 B) +8 → #1+16" */
static void put_edge(const struct view *view, struct model_process *process,
		     const struct model_finding *finding,
		     const struct wire_edge *edge)
{
	const struct model_member *from = finding_member(finding, edge->from);
	if (from)
		text_put(view, NULL, "     %s", phrase_member(process, from));
	else
		text_put(view, NULL, "     #%u", edge->from);
	text_put(view, NULL, " +%" PRIu64 " → #%u", edge->offset, edge->to);
	if (edge->to_offset)
		text_put(view, NULL, "+%" PRIu64, edge->to_offset);
	if (edge->closes)
		text_put(view, RED, "  closes the cycle");
	text_put(view, NULL, "\n");
}

static void put_edges(const struct view *view, struct model_process *process,
		      const struct model_finding *finding)
{
	size_t n = finding->n_edges > MAX_EDGES ? MAX_EDGES : finding->n_edges;
	for (size_t i = 0; i < n; i++)
		put_edge(view, process, finding, &finding->edges[i]);
	if (finding->n_edges > n)
		text_put(view, FAINT, "     … %zu more pointer%s\n",
			 finding->n_edges - n,
			 phrase_plural(finding->n_edges - n));
}

/* All that is known of a block when nobody saw it allocated. */
static void put_contents(const struct view *view, struct model_process *process,
			 const struct model_member *member)
{
	const struct wire_member *wire = &member->wire;
	text_put(view, NULL, "     %s at 0x%" PRIx64 ", holds\n",
		 phrase_member(process, member), wire->address);
	for (uint32_t at = 0; at < wire->contents_bytes; at += 16)
		text_put(view, NULL, "       %s\n",
			 phrase_contents(&process->model->arena, wire, at));
}

static void put_unknown_site(const struct view *view,
			     struct model_process *process,
			     const struct model_finding *finding)
{
	size_t n = finding->n_members < 2 ? finding->n_members : 2;
	uint32_t alike = explain_alike(process, finding);
	text_put(view, NULL, "     where it was allocated is not known");
	if (alike)
		text_put(view, NULL, "; finding %u is like it, and tells",
			 alike);
	text_put(view, NULL, "\n");
	for (size_t i = 0; i < n; i++)
		put_contents(view, process, &finding->members[i]);
}

static void put_finding(const struct view *view, struct model_process *process,
			const struct model_finding *finding)
{
	size_t sited = explain_sited_member(finding);
	const struct model_site *site =
		sited < finding->n_members
			? model_site(process, finding->members[sited].wire.site)
			: NULL;
	bool is_lost = verdict_bit(finding->wire.verdict) & VERDICTS_LOST;
	const char *hint = explain_hint(process, finding);
	text_put(view, NULL, "\n");
	text_put(view, BOLD, "%-3u  ", finding->wire.id);
	text_put(view, is_lost ? RED : YELLOW, "%s",
		 phrase_finding(process, finding));
	text_put(view, NULL, "\n");
	put_edges(view, process, finding);
	if (site && site->n_frames)
		text_put_site(view, &process->model->arena, site,
			      sited == 0 ? "allocated by"
					 : arena_print(&process->model->arena,
						       "#%zu allocated by",
						       sited));
	else
		put_unknown_site(view, process, finding);
	if (hint)
		text_put(view, NULL, "     hint: %s\n", hint);
}

/* --- a process ----------------------------------------------------------- */

static void put_total(const struct view *view, struct arena *arena,
		      const char *name, uint64_t blocks, uint64_t bytes,
		      const char *remark)
{
	text_put(view, NULL, "  %-11s%s, %s%s\n", name,
		 phrase_blocks(arena, blocks), phrase_bytes(arena, bytes),
		 remark);
}

static void put_uncertain(const struct view *view,
			  const struct model_process *process)
{
	const char *doubts[EXPLAIN_DOUBTS_MAX];
	size_t n = explain_doubts(process, doubts);
	for (size_t i = 0; i < n; i++)
		text_put(view, YELLOW, "  uncertain  %s\n", doubts[i]);
}

static void put_modules(const struct view *view,
			const struct model_process *process)
{
	for (size_t i = 0; i < process->n_modules; i++) {
		const char *text = explain_module(&process->model->arena,
						  &process->modules[i]);
		if (text)
			text_put(view, YELLOW, "  no names   %s\n", text);
	}
}

static const char *remark(struct arena *arena, uint32_t verdict)
{
	return arena_print(arena, ", %s (--show=%s lists them)",
			   explain_total(verdict), verdict_name(verdict));
}

/* Why a site may be missing; NULL: none is. */
static const char *remark_on_sites(const struct model_process *process)
{
	bool is_live = process->wire.flags & WIRE_LIVE;
	if (process->growth || process->wire.flags & WIRE_SITES_ALL)
		return NULL;
	if (process->wire.flags & WIRE_SITES_SAMPLED)
		return is_live ? "of a sample of blocks only (to be started "
				 "with TARN_CONF=sites:all)"
			       : "of a sample of blocks only (--sites=all)";
	return is_live ? "not noted (to be started with "
			 "TARN_CONF=sites:sampled, or sites:all)"
		       : NULL;
}

static void put_totals(const struct view *view, struct model_process *process)
{
	struct arena *arena = &process->model->arena;
	const struct wire_process *all = &process->wire;
	bool shows_possible = view->show & 1u << WIRE_POSSIBLE;
	bool shows_foreign = view->show & 1u << WIRE_FOREIGN;
	const char *sites = remark_on_sites(process);
	put_total(view, arena, "live heap", all->live_blocks, all->live_bytes,
		  "");
	put_total(view, arena, "lost", all->lost_blocks, all->lost_bytes, "");
	if (all->possible_blocks)
		put_total(view, arena, "possible", all->possible_blocks,
			  all->possible_bytes,
			  shows_possible ? "" : remark(arena, WIRE_POSSIBLE));
	if (all->foreign_blocks)
		put_total(view, arena, "foreign", all->foreign_blocks,
			  all->foreign_bytes,
			  shows_foreign ? "" : remark(arena, WIRE_FOREIGN));
	if (all->suppressed_blocks)
		put_total(view, arena, "suppressed", all->suppressed_blocks,
			  all->suppressed_bytes, "");
	text_put(view, NULL,
		 "  %-11s%s of data and stacks, %s of heap, in %.1f ms\n",
		 "scanned", phrase_bytes(arena, all->root_bytes),
		 phrase_bytes(arena, all->heap_bytes),
		 (double)all->traced_ns / 1e6);
	text_put(view, NULL, "  %-11s%s\n", "threads", explain_stop(process));
	if (all->flags & WIRE_LIVE)
		text_put(
			view, NULL, "  %-11s%u%s\n", "looks", all->n_looks,
			all->n_looks == 1
				? ": what is lost at this moment only is told, too"
				: "");
	if (sites)
		text_put(view, NULL, "  %-11s%s\n", "sites", sites);
	put_uncertain(view, process);
	put_modules(view, process);
}

static void put_findings(const struct view *view, struct model_process *process)
{
	size_t n_shown = findings_shown(view, process, ~0u);
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
		text_put(view, NULL,
			 "\n     … %zu more finding%s (--max=0 shows all)\n",
			 n_shown - n, phrase_plural(n_shown - n));
}

static void put_clean(const struct view *view, struct model_process *process)
{
	text_put(view, NULL, "tarn: %s (pid %u): %s\n", process->program,
		 process->wire.pid, explain_clean(process));
	if (process->wire.flags & WIRE_LIVE)
		put_totals(view, process);
	else
		put_uncertain(view, process);
}

static void put_lost(const struct view *view, struct model_process *process)
{
	size_t n_lost = findings_shown(view, process, VERDICTS_LOST);
	if (!findings_shown(view, process, ~0u) && !process->wire.lost_blocks) {
		put_clean(view, process);
		return;
	}
	text_put(view, NULL, "tarn: ");
	text_put(view, BOLD, "leaks of %s (pid %u): %s", process->program,
		 process->wire.pid, explain_lost(process, n_lost));
	text_put(view, NULL, "\n");
	put_findings(view, process);
	text_put(view, NULL, "\n");
	put_totals(view, process);
}

static void put_process(const struct view *view, struct model_process *process)
{
	put_lost(view, process);
	if (process->growth)
		text_put_growth(view, process);
}

void text_render(const struct view *view, struct model *model)
{
	for (size_t i = 0; i < model->n_processes; i++)
		put_process(view, model->processes[i]);
}
