/*
 * trace: the order of things.
 */
#include "trace/trace.h"

#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "conf/conf.h"
#include "heap/registry.h"
#include "os/system.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

/* A thread that waits for a device, say, is left after this time. */
#define STOP_MS 1000

/* --- what is live, reached, possible, lost --------------------------- */

/* Bits of blocks that were in FROM and are not in TO any more, into FROM. */
static void subtract(uint64_t *from, const uint64_t *to, size_t n_words)
{
	for (size_t w = 0; w < n_words; w++)
		if ((from[w] & to[w]) != 0)
			from[w] &= ~to[w];
}

static void count(const struct snapshot *snapshot, const uint64_t *bits,
		  uint64_t *blocks, uint64_t *bytes)
{
	*blocks = *bytes = 0;
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		size_t n =
			bits_count(bits + run->first_bit / 64, run_words(run));
		*blocks += n;
		*bytes += n * run->block_bytes;
	}
}

static void hold(struct roots *roots, uintptr_t word)
{
	roots->holder = WIRE_BY_IGNORED;
	roots->hold(roots, 0, &word, 1);
}

static void hold_forgotten(void *context, void *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hold(context, (uintptr_t)words[i]);
}

/* What the program has said is no leak is a root, and so is what a fork left in
 * other threads' magazines. */
void trace_hold_ignored(struct roots *roots,
			const struct trace_options *options)
{
	struct snapshot *snapshot = roots->snapshot;
	registry_visit_forgotten_locked(hold_forgotten, roots);
	for (size_t i = 0; i < options->n_ignored; i++)
		hold(roots, options->ignored[i]);
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		for (uint32_t slot = 0;
		     run->sites != NULL && slot < run->n_slots; slot++)
			if (run->sites[slot] & WATCH_IGNORED)
				hold(roots, run_block(run, slot));
	}
}

static void mark_seen(const struct roots *roots, uintptr_t at,
		      const uintptr_t *words, size_t n)
{
	(void)at;
	mark_words(roots->context, words, n);
}

static void mark_held(const struct roots *roots, uintptr_t at,
		      const uintptr_t *words, size_t n)
{
	(void)at;
	for (size_t i = 0; i < n; i++)
		mark_word(roots->context, words[i]);
}

struct levels {
	uint64_t *foreign;  /* reached only from mappings */
	uint64_t *possible; /* reached only by hints */
	uint64_t *reached;  /* all others that are not lost */
};

static bool mark_levels(struct trace *trace, struct roots *roots,
			const struct trace_options *options,
			struct levels *levels)
{
	struct mark *mark = &trace->mark;
	size_t n = trace->snapshot.n_words;
	trace_hold_ignored(roots, options);
	roots_look(roots);
	mark_all(mark);
	mark_copy(mark, levels->foreign);
	roots_look_at_mappings(roots);
	mark_all(mark);
	mark_copy(mark, levels->possible);
	subtract(levels->foreign, mark->unreached, n);
	mark_hinted(mark);
	subtract(levels->possible, mark->unreached, n);
	if (options->look != NULL)
		generations_judge(options->look, mark);
	return true;
}

/* Of the blocks that are possibly lost, those that hints point to. */
static void add_possible(struct trace *trace, uint64_t *possible)
{
	struct mark *mark = &trace->mark;
	size_t n = trace->snapshot.n_words;
	for (size_t w = 0; w < n; w++)
		mark->interior[w] &= possible[w];
	for (size_t w = 0; w < n; w++)
		mark->past_end[w] &= possible[w] & ~mark->interior[w];
	findings_add_blocks(&trace->findings, mark->interior, WIRE_POSSIBLE,
			    WIRE_BY_INTERIOR);
	findings_add_blocks(&trace->findings, mark->past_end, WIRE_POSSIBLE,
			    WIRE_BY_END);
}

/* What only concerns traces of a generation. */
static bool begin_look(struct trace *trace, const struct trace_options *options,
		       bool is_stopped)
{
	return options->look == NULL ||
	       generations_begin(options->look, &trace->mark, is_stopped);
}

/* Only what was lost in all looks before is, so that a block on its way from
 * one hand to another is not. */
static bool confirm(struct trace *trace, const struct trace_options *options)
{
	struct snapshot *snapshot = &trace->snapshot;
	uint64_t *unreached = trace->mark.unreached;
	struct place place;
	if (options->n_looks == 0)
		return true;
	uint64_t *known =
		work_take(&trace->work, snapshot->n_words + 1, sizeof(*known));
	uint64_t *newly =
		work_take(&trace->work, snapshot->n_words + 1, sizeof(*newly));
	if (newly == NULL || known == NULL)
		return false;
	for (size_t i = 0; i < options->n_known; i++)
		if (snapshot_find(snapshot, options->known[i], &place))
			bits_set(known, place.bit);
	mark_copy(&trace->mark, newly);
	subtract(newly, known, snapshot->n_words);
	subtract(unreached, newly, snapshot->n_words);
	trace->unconfirmed = newly;
	count(snapshot, newly, &trace->process.unconfirmed_blocks,
	      &trace->process.unconfirmed_bytes);
	return true;
}

static void find_reached(struct trace *trace, const struct levels *levels)
{
	const struct snapshot *snapshot = &trace->snapshot;
	for (size_t w = 0; w < snapshot->n_words; w++)
		levels->reached[w] = snapshot->live[w] & ~levels->possible[w] &
				     ~trace->mark.unreached[w];
}

static bool find(struct trace *trace, const struct trace_options *options,
		 struct levels *levels)
{
	struct wire_process *process = &trace->process;
	struct snapshot *snapshot = &trace->snapshot;
	struct retained retained;
	uint64_t n_reached = 0;
	if (options->wants_reached) {
		find_reached(trace, levels);
		n_reached = snapshot->n_live;
	}
	if (!confirm(trace, options))
		return false;
	count(snapshot, levels->foreign, &process->foreign_blocks,
	      &process->foreign_bytes);
	count(snapshot, levels->possible, &process->possible_blocks,
	      &process->possible_bytes);
	count(snapshot, trace->mark.unreached, &process->lost_blocks,
	      &process->lost_bytes);
	if (!findings_begin(&trace->findings, snapshot,
			    process->lost_blocks + process->possible_blocks +
				    process->foreign_blocks + n_reached) ||
	    !graph_build(&trace->graph, snapshot, trace->mark.unreached,
			 trace->reader) ||
	    !retained_compute(&retained, &trace->graph) ||
	    !findings_add_lost(&trace->findings, &trace->graph, &retained))
		return false;
	if (options->wants_possible) {
		add_possible(trace, levels->possible);
		findings_add_blocks(&trace->findings, levels->foreign,
				    WIRE_FOREIGN, WIRE_BY_MAPPING);
	}
	if (options->wants_reached)
		findings_add_blocks(&trace->findings, levels->reached,
				    WIRE_REACHED, WIRE_BY_NOTHING);
	return findings_rank(&trace->findings);
}

/* --- the world -------------------------------------------------------- */

static void note_world(struct wire_process *process,
		       const struct os_world *world)
{
	process->n_threads = world->n_threads + 1;
	if (!world->is_stopped)
		process->flags |= WIRE_THREADS_RAN;
	for (uint32_t i = 0; i < world->n_threads; i++)
		if (!world->threads[i].is_seen && !world->threads[i].is_ended)
			process->flags |= WIRE_REGISTERS_UNSEEN;
}

void trace_begin(struct trace *trace, const struct os_world *world)
{
	memset(trace, 0, sizeof(*trace));
	trace->process.pid = world->process;
	trace->process.flags = watch_flags();
	trace->process.sample_bytes = watch_sample_bytes();
	note_world(&trace->process, world);
}

struct roots trace_roots(struct trace *trace,
			 const struct trace_options *options,
			 const struct os_world *world)
{
	return (struct roots){
		.snapshot = &trace->snapshot,
		.stacks = {world, options->stack_pointer, options->interrupted},
		.see = mark_seen,
		.hold = mark_held,
		.context = &trace->mark,
		.trace = {(uintptr_t)trace, (uintptr_t)(trace + 1)},
		.hidden = options->hidden,
		.n_hidden = options->n_hidden,
		.kinds = options->root_kinds,
		.regions = options->regions,
		.n_regions = options->n_regions,
	};
}

bool trace_take_stopped(struct trace *trace,
			const struct trace_options *options,
			const struct os_world *world)
{
	struct work *work = &trace->work;
	struct roots roots = trace_roots(trace, options, world);
	struct levels levels;
	trace->process.n_looks = options->n_looks + 1;
	trace->reader = work_take(work, 1, sizeof(*trace->reader));
	trace->example = work_take(work, 1, sizeof(*trace->example));
	if (work->has_failed || !snapshot_take(&trace->snapshot, work))
		return false;
	size_t n = trace->snapshot.n_words + 1;
	levels.foreign = work_take(work, n, sizeof(uint64_t));
	levels.possible = work_take(work, n, sizeof(uint64_t));
	levels.reached = work_take(work, n, sizeof(uint64_t));
	if (!mark_begin(&trace->mark, &trace->snapshot, trace->reader))
		return false;
	roots.reader = trace->reader;
	os_reader_begin(trace->reader, options->original);
	bool is_found = roots_begin(&roots) &&
			begin_look(trace, options, world->is_stopped) &&
			mark_levels(trace, &roots, options, &levels) &&
			find(trace, options, &levels);
	if (is_found && options->look != NULL)
		generations_end(options->look, &trace->mark);
	os_reader_end(trace->reader);
	trace->process.live_blocks = trace->snapshot.n_live;
	trace->process.live_bytes = trace->snapshot.live_bytes;
	trace->process.root_bytes = roots.n_bytes;
	trace->process.heap_bytes = trace->mark.heap_bytes;
	trace->process.unread_bytes =
		roots.unread_bytes + trace->mark.unread_bytes;
	if (!is_found)
		trace->process.flags |= WIRE_OUT_OF_MEMORY;
	return is_found;
}

bool trace_take(struct trace *trace, const struct trace_options *options)
{
	struct os_world world;
	uint64_t started = os_now_ns();
	uint64_t mask = os_block_signals();
	lock_acquire(&modules_lock);
	registry_lock_all();
	uint64_t stopping = os_now_ns();
	os_stop(&world, STOP_MS);
	trace_begin(trace, &world);
	bool is_found = trace_take_stopped(trace, options, &world);
	os_resume(&world);
	trace->process.stopped_ns = os_now_ns() - stopping;
	registry_unlock_all();
	lock_release(&modules_lock);
	os_set_signals(mask);
	trace->process.traced_ns = os_now_ns() - started;
	return is_found;
}

void trace_end(struct trace *trace)
{
	work_end(&trace->work);
	/* What is left would hold blocks in the next. */
	memset(trace, 0, sizeof(*trace));
}

static bool is_lost_now(const struct trace *trace, uint64_t bit)
{
	return bits_test(trace->mark.unreached, bit) ||
	       (trace->unconfirmed != NULL &&
		bits_test(trace->unconfirmed, bit));
}

void trace_visit_lost(const struct trace *trace,
		      bool (*visit)(void *context, uintptr_t block),
		      void *context)
{
	const struct snapshot *snapshot = &trace->snapshot;
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		for (uint32_t slot = 0; slot < run->n_slots; slot++)
			if (is_lost_now(trace, run->first_bit + slot) &&
			    !visit(context, run_block(run, slot)))
				return;
	}
}

const struct example *trace_example(struct trace *trace, uint32_t i)
{
	os_reader_begin(trace->reader, 0);
	lock_acquire(&modules_lock);
	example_make(trace->example, &trace->graph, &trace->snapshot,
		     trace_finding(trace, i), trace->reader);
	lock_release(&modules_lock);
	os_reader_end(trace->reader);
	return trace->example;
}
