/*
 * trace: the order of things.
 */
#include "trace/trace.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/lock.h"
#include "conf/conf.h"
#include "heap/registry.h"
#include "os/system.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

static uint64_t now_ns(void)
{
	struct timespec now = {0};
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- what is live, reached, possible, lost --------------------------- */

/* Bits of blocks that were in FROM and are not in TO any more, into FROM. */
static void subtract(uint64_t *from, const uint64_t *to, size_t n_words)
{
	for (size_t w = 0; w < n_words; w++)
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

static void mark_forgotten(void *context, void *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mark_word(context, (uintptr_t)words[i]);
}

/* What the program has said is no leak is a root, and so is what a fork left in
 * other threads' magazines. */
static void mark_ignored(struct trace *trace,
			 const struct trace_options *options)
{
	struct snapshot *snapshot = &trace->snapshot;
	registry_visit_forgotten_locked(mark_forgotten, &trace->mark);
	for (size_t i = 0; i < options->n_ignored; i++)
		mark_word(&trace->mark, options->ignored[i]);
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		for (uint32_t slot = 0;
		     run->sites != NULL && slot < run->n_slots; slot++)
			if (run->sites[slot] & WATCH_IGNORED)
				mark_word(&trace->mark, run_block(run, slot));
	}
}

struct levels {
	uint64_t *foreign;  /* reached only from mappings */
	uint64_t *possible; /* reached only by hints */
};

static bool mark_levels(struct trace *trace, struct roots *roots,
			const struct trace_options *options,
			struct levels *levels)
{
	struct mark *mark = &trace->mark;
	size_t n = trace->snapshot.n_words;
	mark_ignored(trace, options);
	roots_look(roots);
	mark_all(mark);
	mark_copy(mark, levels->foreign);
	roots_look_at_mappings(roots);
	mark_all(mark);
	mark_copy(mark, levels->possible);
	subtract(levels->foreign, mark->unreached, n);
	mark_hinted(mark);
	subtract(levels->possible, mark->unreached, n);
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

static bool find(struct trace *trace, const struct trace_options *options,
		 struct levels *levels)
{
	struct wire_process *process = &trace->process;
	struct snapshot *snapshot = &trace->snapshot;
	struct retained retained;
	count(snapshot, levels->foreign, &process->foreign_blocks,
	      &process->foreign_bytes);
	count(snapshot, levels->possible, &process->possible_blocks,
	      &process->possible_bytes);
	count(snapshot, trace->mark.unreached, &process->lost_blocks,
	      &process->lost_bytes);
	if (!findings_begin(&trace->findings, snapshot,
			    process->lost_blocks + process->possible_blocks +
				    process->foreign_blocks) ||
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

static bool take_stopped(struct trace *trace,
			 const struct trace_options *options,
			 const struct os_world *world)
{
	struct work *work = &trace->work;
	struct roots roots = {
		.snapshot = &trace->snapshot,
		.mark = &trace->mark,
		.world = world,
		.tracer = {(uintptr_t)trace, (uintptr_t)(trace + 1)},
		.stack_pointer = options->stack_pointer,
		.kinds = options->root_kinds,
		.regions = options->regions,
		.n_regions = options->n_regions,
	};
	struct levels levels;
	trace->reader = work_take(work, 1, sizeof(*trace->reader));
	trace->example = work_take(work, 1, sizeof(*trace->example));
	if (work->has_failed || !snapshot_take(&trace->snapshot, work))
		return false;
	size_t n = trace->snapshot.n_words + 1;
	levels.foreign = work_take(work, n, sizeof(uint64_t));
	levels.possible = work_take(work, n, sizeof(uint64_t));
	if (!mark_begin(&trace->mark, &trace->snapshot, trace->reader))
		return false;
	roots.reader = trace->reader;
	os_reader_begin(trace->reader);
	bool is_found = roots_begin(&roots) &&
			mark_levels(trace, &roots, options, &levels) &&
			find(trace, options, &levels);
	os_reader_end(trace->reader);
	trace->process.live_blocks = trace->snapshot.n_live;
	trace->process.live_bytes = trace->snapshot.live_bytes;
	trace->process.root_bytes = roots.n_bytes;
	trace->process.heap_bytes = trace->mark.heap_bytes;
	trace->process.unread_bytes =
		roots.unread_bytes + trace->mark.unread_bytes;
	return is_found;
}

bool trace_take(struct trace *trace, const struct trace_options *options)
{
	struct os_world world;
	sigset_t all, before;
	uint64_t started = now_ns();
	memset(trace, 0, sizeof(*trace));
	trace->process.pid = (uint32_t)syscall(SYS_getpid);
	trace->process.n_looks = 1;
	trace->process.flags = watch_flags();
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	lock_acquire(&modules_lock);
	registry_lock_all();
	uint64_t stopping = now_ns();
	os_stop(&world);
	note_world(&trace->process, &world);
	bool is_found = take_stopped(trace, options, &world);
	os_resume(&world);
	trace->process.stopped_ns = now_ns() - stopping;
	registry_unlock_all();
	lock_release(&modules_lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	trace->process.traced_ns = now_ns() - started;
	if (!is_found)
		trace->process.flags |= WIRE_OUT_OF_MEMORY;
	return is_found;
}

void trace_end(struct trace *trace)
{
	work_end(&trace->work);
}

const struct example *trace_example(struct trace *trace, uint32_t i)
{
	os_reader_begin(trace->reader);
	lock_acquire(&modules_lock);
	example_make(trace->example, &trace->graph, &trace->snapshot,
		     trace_finding(trace, i), trace->reader);
	lock_release(&modules_lock);
	os_reader_end(trace->reader);
	return trace->example;
}
