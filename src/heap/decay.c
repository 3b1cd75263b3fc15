/*
 * decay: ticks of half the decay time.
 *
 * At a tick, what was free and dirty at the last tick is purged, and what is
 * now becomes next: so free memory stays for one to two ticks, half to all of
 * conf.decay_ms. One thread wins a tick for the process; the magazines are each
 * thread's own business.
 */
#include "heap/decay.h"

#include "base/atomic.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/growth.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/registry.h"
#include "os/memory.h"
#include "os/system.h"

/*
 * What one poll gives back at most: a millisecond or two of the kernel's time.
 */
#define POLL_BYTES ((size_t)16 << 20)

/* After so many calls that took no slow path the clock is looked at as well. */
#define CALLS_TO_POLL 256
#define CALLS_TO_GO_ON 8 /* where a poll has left work to the next */

/* Of large blocks below 1 MiB taken and freed, one in so many looks at it: that
 * costs a tenth of what they do. */
#define LARGE_BYTES_TO_POLL ((size_t)1 << 20)
#define LARGE_CALLS_TO_POLL 8

/* Atomic, relaxed: totals for people. */
uint64_t decay_purged_bytes;
uint64_t decay_purge_calls;

/* Atomic, relaxed: who wins the exchange does the tick. */
static uint64_t next_tick_ms;

static size_t cache_limit(void)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static size_t by_default;
	size_t limit = load_relaxed(&conf.cache_bytes);
	if (limit != 0)
		return limit;
	limit = load_relaxed(&by_default);
	if (UNLIKELY(limit == 0)) {
		limit = os_physical_bytes() / 16;
		store_relaxed(&by_default, limit);
	}
	return limit;
}

static void count(size_t purged)
{
	if (purged == 0)
		return;
	fetch_add_relaxed(&decay_purged_bytes, purged);
	fetch_add_relaxed(&decay_purge_calls, 1);
}

/* How many runs are taken out for a purge at a time. */
#define PURGE_RUNS 16

/*
 * Purges free slices, about LIMIT bytes; false if there is more to do. A run
 * that the kernel will not purge stays dirty, and ends it for now.
 */
static bool purge_slices(bool all, size_t limit, size_t *purged)
{
	struct run runs[PURGE_RUNS];
	size_t before = *purged;
	bool purges = true;
	while (purges && *purged - before < limit) {
		size_t n = arena_take_dirty(all, limit - (*purged - before),
					    runs, PURGE_RUNS);
		if (n == 0)
			return true;
		for (size_t i = 0; i < n; i++) {
			size_t bytes = runs[i].n_slices << SLICE_SHIFT;
			purges = os_purge(runs[i].base, bytes);
			if (purges)
				*purged += bytes;
			arena_give_some(&runs[i], 1, !purges);
		}
	}
	return !purges;
}

/* False if there is more to do, by the next poll. */
static bool tick_process(uint64_t now, bool at_once)
{
	size_t purged = 0;
	large_give_back_recent();
	bool finished = registry_purge(false, POLL_BYTES, &purged);
	if (finished && purged < POLL_BYTES)
		finished = purge_slices(at_once, POLL_BYTES - purged, &purged);
	count(purged);
	if (finished)
		arena_age();
	else
		store_relaxed(&next_tick_ms, now);
	return finished;
}

/* Too much is cached to wait for the tick. */
static void trim_cache(void)
{
	size_t purged = 0;
	purge_slices(true, POLL_BYTES, &purged);
	count(purged);
}

static bool somebody_wants_growth(void)
{
	return load_relaxed(&conf.collect_bytes) != 0 ||
	       load_relaxed(&conf.collect_ms) != 0;
}

void decay_poll(struct heap *heap)
{
	if (heap != NULL)
		heap->calls_to_poll = CALLS_TO_POLL;
	if (UNLIKELY(somebody_wants_growth()) && heap != NULL)
		growth_poll(heap, os_now_ms());
	if (UNLIKELY(arena_cached_bytes() > cache_limit()))
		trim_cache();
	uint64_t decay_ms = load_relaxed(&conf.decay_ms);
	if (decay_ms == CONF_NEVER)
		return;
	uint64_t now = os_now_ms(), tick_ms = decay_ms / 2;
	if (heap != NULL && now - heap->last_tick_ms >= tick_ms) {
		heap->last_tick_ms = now;
		heap_empty_magazines(heap, true);
	}
	uint64_t due = load_relaxed(&next_tick_ms);
	/* One that lies further ahead was set when ticks were longer. */
	if (LIKELY(now < due && due <= now + tick_ms) ||
	    !cas_relaxed(&next_tick_ms, &due, now + tick_ms))
		return;
	if (!tick_process(now, tick_ms == 0) && heap != NULL)
		heap->calls_to_poll = CALLS_TO_GO_ON;
}

void decay_poll_large(struct heap *heap, size_t bytes)
{
	if (heap != NULL && bytes < LARGE_BYTES_TO_POLL &&
	    heap->large_calls_to_poll-- != 0)
		return;
	if (heap != NULL)
		heap->large_calls_to_poll = LARGE_CALLS_TO_POLL - 1;
	decay_poll(heap);
}

static void give_back_blocks(size_t *purged)
{
	if (heap_is_attached(heap_mine))
		heap_empty_magazines(heap_mine, false);
	registry_purge(true, SIZE_MAX, purged);
	large_give_back_recent();
}

size_t decay_purge_all(void)
{
	size_t purged = 0;
	give_back_blocks(&purged);
	purge_slices(true, SIZE_MAX, &purged);
	count(purged);
	return purged;
}

void decay_make_room(size_t n_slices, size_t align)
{
	size_t purged = 0;
	give_back_blocks(&purged);
	arena_make_room(n_slices, align);
	count(purged);
}
