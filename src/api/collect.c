/*
 * collect: the interface of a cyclic collector, to the tracer.
 *
 * An automatic trace starts where a slow path of malloc or free looks at the
 * clock, when it has no lock of tarn's; not in a signal handler that struck
 * inside malloc, not in the child of a vfork, whose parent's threads it could
 * not see, and not while another trace runs or is being told.
 *
 * Locks: the lock of traces, for the callback and for the generations; counts,
 *        thresholds and statistics are relaxed atomics, written under it.
 */
#include "api/collect.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "api/leaks.h"
#include "api/process.h"
#include "api/visit.h"
#include "base/atomic.h"
#include "base/message.h"
#include "conf/conf.h"
#include "heap/growth.h"
#include "heap/registry.h"
#include "os/system.h"

#define MIDDLE_BY_DEFAULT 10
#define OLD_BY_DEFAULT 10

/* Findings told on stderr after an automatic trace, at most. */
#define FINDINGS_TOLD 3

/* Atomic, relaxed. */
static uint64_t middle_after = MIDDLE_BY_DEFAULT;
static uint64_t old_after = OLD_BY_DEFAULT;
static uint64_t n_young, n_middle;
static struct tarn_generation_stats stats[N_GENERATIONS];
static uint32_t own_process;

/* Guarded by the lock of traces. */
static tarn_collect_callback *callback;
static tarn_finding_visitor *callback_visitor;
static void *callback_context;

static void add(uint64_t *sum, uint64_t n)
{
	store_relaxed(sum, load_relaxed(sum) + n);
}

/* --- a trace ---------------------------------------------------------- */

struct collecting {
	struct generation_look look;
	struct visit visit;
	bool is_automatic;
};

static void count_trace(const struct collecting *collecting)
{
	const struct generation_look *look = &collecting->look;
	const struct tarn_trace_summary *summary = &collecting->visit.summary;
	struct tarn_generation_stats *of = &stats[look->generation];
	add(&of->traces, 1);
	add(&of->automatic, collecting->is_automatic);
	add(&of->full, look->judged == GENERATION_OLD);
	add(&of->judged_blocks, look->judged_blocks);
	add(&of->lost_blocks, look->new_blocks);
	add(&of->lost_bytes, look->new_bytes);
	add(&of->scanned_bytes, summary->scanned_bytes);
	add(&of->written_pages, look->written_pages);
	add(&of->stopped_ns, summary->stopped_ns);
	add(&of->traced_ns, summary->traced_ns);
	if (summary->stopped_ns > load_relaxed(&of->longest_stopped_ns))
		store_relaxed(&of->longest_stopped_ns, summary->stopped_ns);
}

/* What counts is what was judged: after a full trace all is old. */
static void count_generation(enum generation judged)
{
	uint64_t young = load_relaxed(&n_young);
	uint64_t middle = load_relaxed(&n_middle);
	bool is_young = judged == GENERATION_YOUNG;
	bool is_old = judged == GENERATION_OLD;
	store_relaxed(&n_young, is_young ? young + 1 : 0);
	if (!is_young)
		store_relaxed(&n_middle, is_old ? 0 : middle + 1);
}

static void tell_finding(const struct wire_finding *finding, uintptr_t block)
{
	bool is_cycle = finding->verdict == WIRE_CYCLE ||
			finding->verdict == WIRE_INNER_CYCLE;
	message_print(
		"  %s of %llu block(s), with what it holds %llu byte(s), "
		"%llu time(s); one is at %p",
		is_cycle ? "cycle" : "lost component",
		(unsigned long long)(finding->own_blocks / finding->count),
		(unsigned long long)finding->retained_bytes,
		(unsigned long long)finding->count, (void *)block);
}

/* For a program that has no callback. */
static void tell(const struct collecting *collecting, struct trace *trace)
{
	static const char *const names[] = {"young", "middle", "old"};
	const struct tarn_trace_summary *summary = &collecting->visit.summary;
	uint32_t n_told = 0;
	if (summary->new_blocks == 0)
		return;
	message_print("collect: %llu block(s), %llu byte(s) newly lost (%s "
		      "trace, stopped for %llu us%s)",
		      (unsigned long long)summary->new_blocks,
		      (unsigned long long)summary->new_bytes,
		      names[collecting->look.generation],
		      (unsigned long long)(summary->stopped_ns / 1000),
		      summary->threads_unseen
			      ? "; uncertain, not all threads could be stopped"
			      : "");
	for (uint32_t i = 0; i < trace->findings.n; i++) {
		const struct finding *finding = trace_finding(trace, i);
		if (finding->wire.owner == 0 && n_told++ < FINDINGS_TOLD)
			tell_finding(&finding->wire, finding->example);
	}
	if (n_told > FINDINGS_TOLD)
		message_print("  and %u more finding(s)",
			      n_told - FINDINGS_TOLD);
}

static void see(struct trace *trace, void *context)
{
	struct collecting *collecting = context;
	count_generation(collecting->look.judged);
	visit_trace(&collecting->visit, trace, &collecting->look);
	count_trace(collecting);
	if (collecting->is_automatic && callback == NULL)
		tell(collecting, trace);
}

static bool collect_locked(struct collecting *collecting)
{
	struct trace_options options = {
		.root_kinds = ROOT_ALL,
		.wants_possible = !collecting->is_automatic,
		.look = &collecting->look,
	};
	bool is_taken = leaks_trace_locked(&options, see, collecting);
	/* Also if there was no memory: not at once again. */
	growth_start();
	return is_taken;
}

/* --- automatic traces ----------------------------------------------------- */

static enum generation generation_due(void)
{
	uint64_t young = load_relaxed(&middle_after);
	uint64_t middle = load_relaxed(&old_after);
	if (young == 0 || load_relaxed(&n_young) < young)
		return GENERATION_YOUNG;
	if (middle == 0 || load_relaxed(&n_middle) < middle)
		return GENERATION_MIDDLE;
	return GENERATION_OLD;
}

static void collect_automatically(void)
{
	struct collecting collecting = {
		.look = {.generation = generation_due(), .only_new = true},
		.visit = {.visitor = callback_visitor,
			  .context = callback_context},
		.is_automatic = true,
	};
	enum tarn_generation generation =
		(enum tarn_generation)collecting.look.generation;
	if (callback != NULL)
		callback(TARN_COLLECT_START, generation, NULL,
			 callback_context);
	bool is_taken = collect_locked(&collecting);
	if (callback != NULL)
		callback(TARN_COLLECT_END, generation,
			 is_taken ? &collecting.visit.summary : NULL,
			 callback_context);
}

static void collect_if_due(void)
{
	int saved_errno = errno;
	if (os_process_id() != load_relaxed(&own_process) ||
	    !leaks_may_trace_now() || !leaks_try_lock())
		return;
	collect_automatically();
	leaks_unlock();
	errno = saved_errno;
}

void collect_construct(void)
{
	store_relaxed(&own_process, os_process_id());
	growth_start();
	store_relaxed(&growth_due, collect_if_due);
}

void collect_after_fork_in_child(void)
{
	store_relaxed(&own_process, os_process_id());
	generations_forget(true);
	memset(stats, 0, sizeof(stats));
	store_relaxed(&n_young, 0);
	store_relaxed(&n_middle, 0);
	growth_start();
}

/* --- what programs ask -------------------------------------------------- */

static int fail(int error)
{
	errno = error;
	return -1;
}

int tarn_collect(enum tarn_generation generation, tarn_finding_visitor *visit,
		 void *context, struct tarn_trace_summary *summary, size_t size)
{
	struct collecting collecting = {
		.look = {.generation = (enum generation)generation},
		.visit = {.visitor = visit, .context = context},
	};
	int saved_errno = errno;
	if ((unsigned)generation >= N_GENERATIONS)
		return fail(EINVAL);
	process_enter();
	if (!leaks_lock())
		return fail(EDEADLK);
	bool is_taken = collect_locked(&collecting);
	leaks_unlock();
	if (!is_taken)
		return fail(ENOMEM);
	if (summary != NULL)
		visit_copy(summary, size, &collecting.visit.summary,
			   sizeof(collecting.visit.summary));
	errno = saved_errno;
	return 0;
}

int tarn_threshold_set(const struct tarn_thresholds *thresholds, size_t size)
{
	struct tarn_thresholds all;
	if (thresholds == NULL || size == 0)
		return fail(EINVAL);
	tarn_threshold_get(&all, sizeof(all));
	memcpy(&all, thresholds, size < sizeof(all) ? size : sizeof(all));
	if (all.young_bytes > SIZE_MAX || all.young_ms > INT64_MAX)
		return fail(EINVAL);
	process_enter();
	store_relaxed(&conf.collect_bytes, (size_t)all.young_bytes);
	store_relaxed(&conf.collect_ms, all.young_ms);
	store_relaxed(&middle_after, all.middle);
	store_relaxed(&old_after, all.old);
	return 0;
}

int tarn_threshold_get(struct tarn_thresholds *thresholds, size_t size)
{
	if (thresholds == NULL || size == 0)
		return fail(EINVAL);
	uint64_t ms = load_relaxed(&conf.collect_ms);
	struct tarn_thresholds all = {
		.young_bytes = load_relaxed(&conf.collect_bytes),
		.young_ms = ms == CONF_NEVER ? 0 : ms,
		.middle = load_relaxed(&middle_after),
		.old = load_relaxed(&old_after),
	};
	visit_copy(thresholds, size, &all, sizeof(all));
	return 0;
}

int tarn_count_get(struct tarn_counts *counts, size_t size)
{
	if (counts == NULL || size == 0)
		return fail(EINVAL);
	int saved_errno = errno;
	process_enter();
	growth_add_own();
	struct tarn_counts all = {
		.young_bytes = (uint64_t)growth_bytes(),
		.young_ms = growth_ms(),
		.middle = load_relaxed(&n_young),
		.old = load_relaxed(&n_middle),
	};
	visit_copy(counts, size, &all, sizeof(all));
	errno = saved_errno;
	return 0;
}

int tarn_generation_stats_get(enum tarn_generation generation,
			      struct tarn_generation_stats *to, size_t size)
{
	if (to == NULL || size == 0 || (unsigned)generation >= N_GENERATIONS)
		return fail(EINVAL);
	struct tarn_generation_stats all;
	const uint64_t *from = (const uint64_t *)&stats[generation];
	for (size_t i = 0; i < sizeof(all) / sizeof(*from); i++)
		((uint64_t *)&all)[i] = load_relaxed(&from[i]);
	visit_copy(to, size, &all, sizeof(all));
	return 0;
}

int tarn_callback_set(tarn_collect_callback *given, tarn_finding_visitor *visit,
		      void *context)
{
	if (!leaks_lock())
		return fail(EDEADLK);
	callback = given;
	callback_visitor = given == NULL ? NULL : visit;
	callback_context = context;
	leaks_unlock();
	return 0;
}

/* --- the permanent generation --------------------------------------------- */

static bool freeze_locked(void)
{
	struct work work = {.n_pieces = 0};
	struct snapshot snapshot;
	registry_lock_all();
	bool is_frozen = snapshot_take(&snapshot, &work) &&
			 generations_freeze(&snapshot);
	registry_unlock_all();
	work_end(&work);
	return is_frozen;
}

int tarn_freeze(void)
{
	int saved_errno = errno;
	process_enter();
	if (!leaks_lock())
		return fail(EDEADLK);
	bool is_frozen = freeze_locked();
	leaks_unlock();
	if (!is_frozen)
		return fail(ENOMEM);
	errno = saved_errno;
	return 0;
}

int tarn_unfreeze(void)
{
	int saved_errno = errno;
	if (!leaks_lock())
		return fail(EDEADLK);
	generations_unfreeze();
	leaks_unlock();
	errno = saved_errno;
	return 0;
}

uint64_t tarn_freeze_count_get(void)
{
	return generations_frozen();
}
