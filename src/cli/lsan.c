/*
 * lsan: a report as LeakSanitizer would print it, for tools that read that.
 *
 * Blocks of findings that nothing holds are its direct leaks; inner cycles,
 * shared blocks, and what a finding retains besides its own are the indirect
 * ones. Of the last the report has no sites: their stack is one unknown frame.
 * The sum of all is what the process lost.
 */
#include "cli/render.h"

#include <inttypes.h>

static void put_frame(FILE *out, size_t number, const struct model_frame *frame)
{
	fprintf(out, "    #%zu 0x%012" PRIx64 " ", number,
		frame->process_address);
	if (frame->function)
		fprintf(out, "in %s", frame->function);
	if (frame->file) {
		fprintf(out, " %s:%u", frame->file, frame->line);
		if (frame->column)
			fprintf(out, ":%u", frame->column);
	} else if (frame->module) {
		fprintf(out, " (%s+0x%" PRIx64 ")", frame->module,
			frame->address);
	} else {
		fputs(" (<unknown module>)", out);
	}
	fputc('\n', out);
}

static void put_leak(FILE *out, const char *kind, uint64_t blocks,
		     uint64_t bytes, const struct model_site *site)
{
	fprintf(out,
		"%s leak of %" PRIu64 " byte(s) in %" PRIu64
		" object(s) allocated from:\n",
		kind, bytes, blocks);
	if (!site || site->n_frames == 0)
		fputs("    #0 0x000000000000  (<unknown module>)\n", out);
	for (size_t i = 0; site && i < site->n_frames; i++)
		put_frame(out, i, &site->frames[i]);
	fputc('\n', out);
}

static uint64_t less(uint64_t n, uint64_t taken)
{
	return n > taken ? n - taken : 0;
}

/* Of what FINDING retains besides its own the part with findings of its own. */
static void take_inner(const struct model_process *process,
		       const struct model_finding *finding, uint64_t *blocks,
		       uint64_t *bytes)
{
	for (size_t i = 0; i < process->n_findings; i++) {
		const struct wire_finding *inner = &process->findings[i].wire;
		if (inner->verdict == WIRE_INNER_CYCLE &&
		    inner->owner == finding->wire.id &&
		    !process->findings[i].is_suppressed) {
			*blocks = less(*blocks, inner->own_blocks);
			*bytes = less(*bytes, inner->own_bytes);
		}
	}
}

static void put_direct(FILE *out, struct model_process *process,
		       const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	put_leak(out, "Direct", wire->own_blocks, wire->own_bytes,
		 model_site(process, wire->site));
}

static void put_indirect(FILE *out, struct model_process *process,
			 const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	uint64_t blocks = less(wire->retained_blocks, wire->own_blocks);
	uint64_t bytes = less(wire->retained_bytes, wire->own_bytes);
	if (wire->verdict == WIRE_INNER_CYCLE || wire->verdict == WIRE_SHARED)
		put_leak(out, "Indirect", wire->own_blocks, wire->own_bytes,
			 model_site(process, wire->site));
	if (wire->verdict == WIRE_INNER_CYCLE)
		return;
	take_inner(process, finding, &blocks, &bytes);
	if (blocks)
		put_leak(out, "Indirect", blocks, bytes, NULL);
}

/* LeakSanitizer knows no verdicts that are less than lost. */
static bool is_leak(const struct model_finding *finding)
{
	return !finding->is_suppressed &&
	       (verdict_bit(finding->wire.verdict) & VERDICTS_LOST);
}

static void put_process(const struct view *view, struct model_process *process)
{
	const unsigned int indirect =
		1u << WIRE_INNER_CYCLE | 1u << WIRE_SHARED;
	FILE *out = view->out;
	size_t n_shown = 0;
	for (size_t i = 0; i < process->n_findings; i++)
		n_shown += is_leak(&process->findings[i]);
	if (n_shown == 0)
		return;
	fprintf(out,
		"=============================================================="
		"===\n"
		"==%u==ERROR: LeakSanitizer: detected memory leaks\n\n",
		process->wire.pid);
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		if (is_leak(finding) &&
		    !(verdict_bit(finding->wire.verdict) & indirect))
			put_direct(out, process, finding);
	}
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		if (is_leak(finding))
			put_indirect(out, process, finding);
	}
	fprintf(out,
		"SUMMARY: LeakSanitizer: %" PRIu64 " byte(s) leaked in %" PRIu64
		" allocation(s).\n",
		process->wire.lost_bytes, process->wire.lost_blocks);
}

void lsan_render(const struct view *view, struct model *model)
{
	for (size_t i = 0; i < model->n_processes; i++)
		put_process(view, model->processes[i]);
}
