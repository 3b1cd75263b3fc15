/*
 * trace: what programs ask of the tracer by tarn's own names.
 */
#include <errno.h>
#include <string.h>

#include "api/leaks.h"
#include "api/visit.h"
#include "base/arith.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

/* What a finding's arrays point to. */
struct shown {
	struct tarn_frame frames[SITE_FRAMES_MAX];
	struct tarn_block blocks[EXAMPLE_MEMBERS_MAX];
	struct tarn_pointer pointers[EXAMPLE_EDGES_MAX];
};

static uint32_t show_frames(struct shown *shown, uint32_t site)
{
	const struct wire_frame *frames;
	uint32_t n = sites_frames(site & ~WATCH_IGNORED, &frames);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t module = frames[i].module;
		shown->frames[i] = (struct tarn_frame){
			module == 0 ? NULL : modules_get(module)->path,
			(uintptr_t)frames[i].address,
		};
	}
	return n;
}

static void show_example(struct shown *shown, const struct example *example)
{
	for (uint32_t i = 0; i < example->n_members; i++) {
		const struct wire_member *wire = &example->members[i].wire;
		shown->blocks[i] = (struct tarn_block){
			(const void *)(uintptr_t)wire->address, wire->bytes};
	}
	for (uint32_t i = 0; i < example->n_edges; i++) {
		const struct wire_edge *edge = &example->edges[i];
		shown->pointers[i] = (struct tarn_pointer){
			edge->from, edge->to, edge->offset, edge->to_offset,
			(int)edge->closes};
	}
}

static bool visit_finding(struct visit *visit, struct trace *trace, uint32_t i)
{
	struct shown shown;
	struct wire_finding wire = trace_finding(trace, i)->wire;
	const struct example *example = trace_example(trace, i);
	show_example(&shown, example);
	struct tarn_finding finding = {
		.id = wire.id,
		.verdict = (enum tarn_verdict)wire.verdict,
		.owner = wire.owner,
		.n_frames = show_frames(&shown, wire.site),
		.n_blocks = example->n_members,
		.n_pointers = example->n_edges,
		.count = wire.count,
		.own_blocks = wire.own_blocks,
		.own_bytes = wire.own_bytes,
		.retained_blocks = wire.retained_blocks,
		.retained_bytes = wire.retained_bytes,
		.frames = shown.frames,
		.blocks = shown.blocks,
		.pointers = shown.pointers,
	};
	return visit->visitor(&finding, visit->context) == 0;
}

static void summarise(struct visit *visit, const struct trace *trace,
		      const struct generation_look *look)
{
	const struct wire_process *process = &trace->process;
	bool unseen = (process->flags &
		       (WIRE_THREADS_RAN | WIRE_REGISTERS_UNSEEN)) != 0;
	visit->summary = (struct tarn_trace_summary){
		.live_blocks = process->live_blocks,
		.live_bytes = process->live_bytes,
		.lost_blocks = process->lost_blocks,
		.lost_bytes = process->lost_bytes,
		.possible_blocks = process->possible_blocks,
		.possible_bytes = process->possible_bytes,
		.foreign_blocks = process->foreign_blocks,
		.foreign_bytes = process->foreign_bytes,
		.findings = trace->findings.n,
		.threads = process->n_threads,
		.threads_unseen = unseen,
		.stopped_ns = process->stopped_ns,
		.traced_ns = process->traced_ns,
		.scanned_bytes = process->root_bytes + process->heap_bytes,
		.judged_blocks = look != NULL ? look->judged_blocks
					      : process->live_blocks,
		.full = look == NULL || look->judged == GENERATION_OLD,
	};
	if (look == NULL)
		return;
	visit->summary.new_blocks = look->new_blocks;
	visit->summary.new_bytes = look->new_bytes;
	visit->summary.written_pages = look->written_pages;
}

void visit_trace(struct visit *visit, struct trace *trace,
		 const struct generation_look *look)
{
	summarise(visit, trace, look);
	for (uint32_t i = 0; visit->visitor != NULL && i < trace->findings.n;
	     i++)
		if (!visit_finding(visit, trace, i))
			return;
}

void visit_copy(void *to, size_t size, const void *from, size_t known)
{
	size_t n = min_size(size, known);
	memcpy(to, from, n);
	memset((char *)to + n, 0, size - n);
}

static void see(struct trace *trace, void *context)
{
	visit_trace(context, trace, NULL);
}

int tarn_trace(tarn_finding_visitor *visitor, void *context,
	       struct tarn_trace_summary *summary, size_t size)
{
	static const struct trace_options options = {
		.root_kinds = ROOT_ALL,
		.wants_possible = true,
	};
	struct visit visit = {.visitor = visitor, .context = context};
	int saved_errno = errno;
	if (!leaks_trace(&options, see, &visit))
		return -1;
	if (summary != NULL)
		visit_copy(summary, size, &visit.summary,
			   sizeof(visit.summary));
	errno = saved_errno;
	return 0;
}
