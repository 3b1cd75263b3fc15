/*
 * decay: polls, ticks of half the decay time, and what is done at once.
 *
 * At a tick, what was free and dirty at the last tick is purged, and what is
 * now becomes next: so free memory stays for one to two ticks, half to all of
 * conf.decay_ms. One thread sweeps at a time, from where the last one stopped.
 * Magazines are each thread's own business; those of threads that have not
 * polled for a whole decay are robbed.
 */
#include "heap/decay.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/growth.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/late.h"
#include "heap/purge.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "os/system.h"

/* What one poll does at most: some hundred microseconds. */
#define POLL_BYTES ((size_t)8 << 20)
#define POLL_CALLS 48
#define POLL_HEAPS 32

/* After so many calls that took no slow path the clock is looked at as well. */
#define CALLS_TO_POLL 256
#define CALLS_TO_GO_ON 8 /* where a poll has left work to the next */

/* Of large blocks below 1 MiB taken and freed, one in so many looks at it: that
 * costs a tenth of what they do. */
#define LARGE_BYTES_TO_POLL ((size_t)1 << 20)
#define LARGE_CALLS_TO_POLL 8

/* Where the OS refuses to purge (pages that are locked, a filter of system
 * calls), it is not asked again for so long. */
#define REFUSED_MS 1000

/* A look at pools that have nothing to purge costs as much as so many calls. */
#define CALLS_A_LOOK 4

#define ARENA_RUNS 16

/* Atomic, relaxed: read by every poll, written at ticks. */
static struct {
	uint64_t next_tick_ms; /* who wins the exchange does the tick */
	uint64_t refused_ms;   /* not to be asked before; 0: no matter */
} when CACHE_ALIGNED;

/* Who exchanges it from false sweeps. The other is the sweeper's. */
static bool is_sweeping CACHE_ALIGNED;
static struct heap *next_to_sweep;

/* What may still be done. */
struct budget {
	size_t bytes;
	size_t n_calls;
	size_t purged_bytes;
};

#define NO_LIMIT                                                               \
	(struct budget)                                                        \
	{                                                                      \
		.bytes = SIZE_MAX, .n_calls = SIZE_MAX                         \
	}
#define OF_A_POLL                                                              \
	(struct budget)                                                        \
	{                                                                      \
		.bytes = POLL_BYTES, .n_calls = POLL_CALLS                     \
	}

static bool is_spent(const struct budget *budget)
{
	return budget->bytes == 0 || budget->n_calls == 0;
}

static bool purge(struct budget *budget, uintptr_t at, size_t bytes)
{
	budget->n_calls -= min_size(budget->n_calls, 1);
	if (!purge_pages(at, bytes)) {
		store_relaxed(&when.refused_ms, os_now_ms() + REFUSED_MS);
		budget->n_calls = 0;
		return false;
	}
	budget->bytes -= min_size(budget->bytes, bytes);
	budget->purged_bytes += bytes;
	return true;
}

static bool may_purge(uint64_t now)
{
	uint64_t refused = load_relaxed(&when.refused_ms);
	return refused == 0 || now >= refused;
}

/* Free slices that are old, or with ALL any; true if none are left. */
static bool purge_arena(bool all, struct budget *budget)
{
	struct run runs[ARENA_RUNS], clean[ARENA_RUNS], dirty[ARENA_RUNS];
	while (!is_spent(budget)) {
		size_t n =
			arena_take_dirty(all, budget->bytes, runs,
					 min_size(ARENA_RUNS, budget->n_calls));
		size_t n_clean = 0, n_dirty = 0;
		for (size_t i = 0; i < n; i++)
			if (purge(budget, runs[i].base,
				  runs[i].n_slices * SLICE_BYTES))
				clean[n_clean++] = runs[i];
			else
				dirty[n_dirty++] = runs[i];
		arena_give_some(clean, n_clean, false);
		arena_give_some(dirty, n_dirty, true);
		if (n == 0)
			return true;
	}
	return false;
}

static void purge_away(struct heap_away *away, uint32_t i,
		       struct budget *budget)
{
	uint64_t left = away->pages[i];
	uintptr_t at;
	size_t bytes;
	for (;;) {
		uint64_t before = left;
		bytes = pool_next_purgeable(away->pools[i], &left, &at);
		if (bytes == 0)
			return;
		if (purge(budget, at, bytes))
			away->purged[i] |= before & ~left;
	}
}

/* Pools of HEAP that have cooled, or with ALL that cool; true if none is left,
 * or another is at work on it. */
static bool purge_heap(struct heap *heap, bool all, struct budget *budget)
{
	struct heap_away away;
	while (!is_spent(budget)) {
		if (!all && !lock_try(&heap->lock))
			return true;
		if (all)
			lock_acquire(&heap->lock);
		heap_take_away_locked(heap, all, budget->n_calls, &away);
		lock_release(&heap->lock);
		if (away.n == 0 && !away.is_last) {
			/* Pools that had nothing: that is work too. */
			if (budget->n_calls != SIZE_MAX)
				budget->n_calls -=
					min_size(budget->n_calls, CALLS_A_LOOK);
			continue;
		}
		for (uint32_t i = 0; i < away.n; i++)
			purge_away(&away, i, budget);
		lock_acquire(&heap->lock);
		heap_bring_back_locked(heap, &away);
		lock_release(&heap->lock);
		if (away.is_last)
			return true;
	}
	return false;
}

/* More is idle than may be: what this thread reaches, until enough is gone. */
static void purge_excess(struct heap *heap, struct budget *all)
{
	size_t excess = idle_excess_bytes(0);
	/* A quarter more, so that the next free need not come again. */
	size_t enough = excess + excess / 4 + SLICE_BYTES;
	struct budget budget = {.bytes = min_size(all->bytes, enough),
				.n_calls = all->n_calls};
	purge_arena(true, &budget);
	if (heap != NULL && !is_spent(&budget))
		purge_heap(heap, true, &budget);
	if (heap != NULL && heap->to_look_after != NULL && !is_spent(&budget))
		purge_heap(heap->to_look_after, true, &budget);
	if (heap != NULL && idle_excess_bytes(0) > 0) {
		lock_acquire(&heap->lock);
		if (heap->runs.used_bytes != 0)
			runs_empty_locked(heap, false);
		lock_release(&heap->lock);
	}
	idle_note_purged(budget.purged_bytes);
	all->n_calls = budget.n_calls;
	all->bytes -= min_size(all->bytes, budget.purged_bytes);
}

/* Its thread sleeps, or hits its magazines only. */
static bool is_quiet(const struct heap *heap, uint64_t now)
{
	uint64_t last = load_relaxed(&heap->last_tick_ms);
	return now > last && now - last > load_relaxed(&conf.decay_ms);
}

/* Gives back what HEAP has at hand, whoever's it is. */
static void give_back_locked(struct heap *heap, bool all)
{
	heap_drain_locked(heap);
	if (heap->is_parked || (all && heap == heap_mine))
		heap_empty_magazines_locked(heap);
	else
		heap_rob_locked(heap);
	if (all)
		heap_discard_unused_locked(heap);
	runs_empty_locked(heap, false);
}

/* One heap of a sweep. */
static bool sweep_heap(struct heap *heap, uint64_t now, struct budget *budget)
{
	if (!lock_try(&heap->lock))
		return true;
	if (heap->is_parked || (heap != heap_mine && is_quiet(heap, now)))
		give_back_locked(heap, false);
	else
		heap_drain_locked(heap);
	lock_release(&heap->lock);
	return purge_heap(heap, false, budget);
}

/* True if all heaps have been swept, and the arena. */
static bool sweep(uint64_t now, struct budget *budget)
{
	size_t before = budget->purged_bytes;
	bool finished = true;
	struct heap *heap;
	for (int n = 0; n < POLL_HEAPS && finished; n++) {
		heap = next_to_sweep;
		if (heap == NULL)
			break;
		finished = sweep_heap(heap, now, budget);
		if (finished)
			next_to_sweep = heap->next;
	}
	if (next_to_sweep == NULL)
		finished =
			purge_arena(load_relaxed(&conf.decay_ms) == 0, budget);
	idle_note_unwanted(budget->purged_bytes - before);
	return finished && next_to_sweep == NULL;
}

/* True if the tick is done; false if there is more to do, by the next poll. */
static bool tick(uint64_t now, struct budget *budget)
{
	bool free = false;
	if (!cas_acquire(&is_sweeping, &free, true))
		return true;
	if (next_to_sweep == NULL)
		next_to_sweep = registry_first();
	bool finished = sweep(now, budget);
	if (finished)
		arena_age();
	else
		store_relaxed(&when.next_tick_ms, now);
	store_release(&is_sweeping, false);
	return finished;
}

void decay_restore_after_fork(void)
{
	store_relaxed(&is_sweeping, false);
}

static bool somebody_wants_growth(void)
{
	return load_relaxed(&conf.collect_bytes) != 0 ||
	       load_relaxed(&conf.collect_ms) != 0;
}

static void poll_ticks(struct heap *heap, uint64_t now, uint64_t tick_ms,
		       struct budget *budget)
{
	if (now - heap->last_tick_ms >= tick_ms) {
		store_relaxed(&heap->last_tick_ms, now);
		heap_tick(heap);
	}
	uint64_t due = load_relaxed(&when.next_tick_ms);
	/* One that lies further ahead was set when ticks were longer. */
	if (LIKELY(now < due && due <= now + tick_ms) ||
	    !cas_relaxed(&when.next_tick_ms, &due, now + tick_ms))
		return;
	if (!tick(now, budget))
		heap->calls_to_poll = CALLS_TO_GO_ON;
}

static void poll_excess(struct heap *heap, uint64_t now, struct budget *budget)
{
	if (UNLIKELY(idle_excess_bytes(0) > 0) && may_purge(now)) {
		purge_excess(heap, budget);
		if (is_spent(budget))
			heap->calls_to_poll = CALLS_TO_GO_ON;
	}
	heap->to_look_after = NULL;
}

static void poll_memory(struct heap *heap, uint64_t now)
{
	struct budget budget = OF_A_POLL;
	uint64_t decay_ms = load_relaxed(&conf.decay_ms);
	poll_excess(heap, now, &budget);
	if (decay_ms != CONF_NEVER)
		poll_ticks(heap, now, decay_ms / 2, &budget);
}

void decay_poll(struct heap *heap)
{
	uint64_t now;
	late_tell();
	heap->is_poll_due = false;
	heap->calls_to_poll = CALLS_TO_POLL;
	/* Those who hook madvise may allocate there. */
	if (heap->is_polling)
		return;
	heap->is_polling = true;
	now = os_now_ms();
	if (UNLIKELY(somebody_wants_growth()))
		growth_poll(heap, now);
	if (LIKELY(purge_may_be_loud()))
		poll_memory(heap, now);
	heap->is_polling = false;
}

void decay_note_large(struct heap *heap, size_t bytes)
{
	if (bytes < LARGE_BYTES_TO_POLL && heap->large_calls_to_poll-- != 0 &&
	    LIKELY(idle_excess_bytes(0) == 0))
		return;
	heap->large_calls_to_poll = LARGE_CALLS_TO_POLL - 1;
	heap->is_poll_due = true;
}

void decay_poll_at_end(void)
{
	struct budget budget = OF_A_POLL;
	if (idle_excess_bytes(0) > 0 && may_purge(os_now_ms()) &&
	    purge_may_be_loud())
		purge_excess(NULL, &budget);
}

/* The magazines, remote frees and runs of all heaps. */
static void give_back_all(void)
{
	struct heap *heap = registry_first();
	for (; heap != NULL; heap = heap->next) {
		lock_acquire(&heap->lock);
		give_back_locked(heap, true);
		lock_release(&heap->lock);
	}
}

size_t decay_purge_all(void)
{
	struct budget budget = NO_LIMIT;
	give_back_all();
	late_tell();
	struct heap *heap = registry_first();
	for (; heap != NULL; heap = heap->next)
		purge_heap(heap, true, &budget);
	/* What has become free by that. */
	give_back_all();
	purge_arena(true, &budget);
	purge_begin_loud();
	arena_unmap_after_moves();
	purge_end_loud();
	return budget.purged_bytes;
}

bool decay_could_help(size_t bytes, size_t align)
{
	return arena_could_make_room(divide_up(bytes, SLICE_BYTES), align);
}

bool decay_gather(void)
{
	size_t before = arena_free_bytes();
	give_back_all();
	late_tell();
	return arena_free_bytes() > before;
}

bool decay_unmap(size_t bytes, size_t align)
{
	if (!purge_may_be_loud())
		return false;
	purge_begin_loud();
	bool unmapped = arena_make_room(divide_up(bytes, SLICE_BYTES), align);
	purge_end_loud();
	return unmapped;
}
