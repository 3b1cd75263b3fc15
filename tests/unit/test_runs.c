/*
 * runs: what a heap has at hand for pools and large blocks, in batches,
 * bounded, and given back.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "heap/runs.h"
#include "tarn.h"

#define MIB ((size_t)1 << 20)
#define MANY 1000

static struct heap *heap;
static uintptr_t bases[MANY];

static void begin(void)
{
	tarn_free(tarn_malloc(1));
	heap = registry_make();
	cr_assert_not_null(heap);
}

TestSuite(runs, .init = begin);

static uint32_t entry_of(uintptr_t base)
{
	struct region *region = region_of(base);
	return region_entry(region, region_slice(region, base));
}

/* As pools and large blocks leave them. */
static void describe_as_nobodys(uintptr_t base)
{
	struct region *region = region_of(base);
	region_describe(region, region_slice(region, base), 0, NULL);
}

static uintptr_t take(size_t n_slices, bool *is_clean)
{
	size_t n;
	lock_acquire(&heap->lock);
	uintptr_t base = runs_take_locked(heap, n_slices, is_clean);
	lock_release(&heap->lock);
	cr_assert_neq(base, 0);
	cr_assert_eq(arena_run_start(base, &n), base);
	cr_assert_eq(n, n_slices);
	return base;
}

static uintptr_t take_any(size_t n_slices)
{
	bool is_clean;
	uintptr_t base = take(n_slices, &is_clean);
	describe_as_nobodys(base);
	return base;
}

static void give(uintptr_t base, size_t n_slices)
{
	lock_acquire(&heap->lock);
	runs_give_locked(heap, base, n_slices);
	lock_release(&heap->lock);
}

static void give_clean(uintptr_t base, size_t n_slices)
{
	lock_acquire(&heap->lock);
	runs_give_clean_locked(heap, base, n_slices);
	lock_release(&heap->lock);
}

static void empty(bool idle_only)
{
	lock_acquire(&heap->lock);
	runs_empty_locked(heap, idle_only);
	lock_release(&heap->lock);
}

Test(runs, of_every_length_there_are_some_and_none_is_twice)
{
	for (size_t n_slices = 1; n_slices <= RUNS_SLICES_MAX; n_slices++) {
		for (size_t i = 0; i < 100; i++) {
			bases[i] = take_any(n_slices);
			for (size_t j = 0; j < i; j++)
				cr_assert(bases[i] >=
						  bases[j] +
							  n_slices *
								  SLICE_BYTES ||
					  bases[j] >=
						  bases[i] +
							  n_slices *
								  SLICE_BYTES);
		}
		for (size_t i = 0; i < 100; i++)
			give(bases[i], n_slices);
		heap_check();
	}
	empty(false);
	cr_assert_eq(runs_count_slices(&heap->runs), 0);
	cr_assert_eq(heap->runs.bytes, 0);
	cr_assert_eq(heap->runs.used_bytes, 0);
	heap_check();
}

Test(runs, the_more_often_a_length_runs_out_the_more_come_at_once)
{
	size_t n_fetches = 0, most = 0;
	/* Of clean ones, too, no more than a part of what was taken. */
	for (size_t i = 0; i < MANY; i++) {
		bases[i] = take_any(1);
		cr_assert_leq(runs_count_slices(&heap->runs), 8 + i / 8);
	}
	for (size_t i = 0; i < MANY; i++)
		give(bases[i], 1);
	empty(false);
	memset(heap->runs.batch, 0, sizeof(heap->runs.batch));
	for (size_t i = 0; i < MANY; i++) {
		size_t before = runs_count_slices(&heap->runs);
		take_any(1);
		size_t after = runs_count_slices(&heap->runs);
		if (before != 0)
			cr_assert_eq(after, before - 1);
		n_fetches += before == 0;
		most = after > most ? after : most;
		cr_assert(n_fetches > 1 || after == 0, "the first comes alone");
	}
	cr_assert_geq(most, 7);
	cr_assert_lt(most, RUNS_CELLS_MANY);
	cr_assert_leq(n_fetches, MANY / 6);
	heap_check();
}

/* A purge that was to be enough may end amid what was a run. */
Test(runs, what_has_no_pages_beside_some_that_have_is_touched_as_it_comes)
{
	char *base = arena_take(8, SLICE_BYTES);
	struct run used = {(uintptr_t)base, 3};
	struct run purged = {(uintptr_t)base + 3 * SLICE_BYTES, 5};
	bool is_clean;
	arena_give_some(&used, 1, true);
	arena_give_some(&purged, 1, false);
	heap->idle.freed_bytes = 100 * MIB;
	cr_assert_eq(take(8, &is_clean), (uintptr_t)base);
	cr_assert_not(is_clean);
	cr_assert_eq(heap->idle.freed_bytes, 100 * MIB - 5 * SLICE_BYTES);
}

Test(runs, the_last_that_came_back_is_the_first_that_goes)
{
	uintptr_t one = take_any(3), other = take_any(3);
	bool is_clean;
	give(one, 3);
	give_clean(other, 3);
	cr_assert_eq(take(3, &is_clean), other);
	cr_assert(is_clean);
	cr_assert_eq(take(3, &is_clean), one);
	cr_assert_not(is_clean);
}

Test(runs, what_is_fresh_is_clean_and_what_was_used_is_not)
{
	for (size_t i = 0; i < 50; i++) {
		bool is_clean = false;
		bases[i] = take(2, &is_clean);
		cr_assert(is_clean);
		for (size_t w = 0; w < 2 * SLICE_BYTES / 8; w += 512)
			cr_assert_eq(((uint64_t *)bases[i])[w], 0);
		((uint64_t *)bases[i])[i] = 1;
	}
	for (size_t i = 0; i < 50; i++)
		give(bases[i], 2);
	empty(false);
	/* It is remembered where it went. */
	for (size_t i = 0; i < 50; i++) {
		bool is_clean;
		uintptr_t base = take(2, &is_clean);
		bool was_used = false;
		for (size_t j = 0; j < 50; j++)
			was_used |= bases[j] == base;
		cr_assert_eq(was_used, !is_clean);
	}
}

/* Until the caller has described it: others may look meanwhile. */
Test(runs, one_that_is_taken_is_nobodys)
{
	bool is_clean;
	give(take_any(3), 3);
	cr_assert_eq(entry_of(take(3, &is_clean)), 0);
	cr_assert_eq(entry_of(take(3, &is_clean)), 0);
	heap_check();
}

Test(runs, those_at_hand_are_the_heaps_in_the_page_map)
{
	uintptr_t base = take_any(5);
	give(base, 5);
	cr_assert_eq(entry_of(base),
		     entry_make_code(heap_id(heap), CODE_CACHED));
	cr_assert_eq(heap_look_up((void *)base).mistake, HEAP_NEVER_ALLOCATED);
	cr_assert_eq(heap_free_slow((void *)(base + SLICE_BYTES)),
		     HEAP_NEVER_ALLOCATED);
	heap_check();
	empty(false);
	cr_assert_eq(entry_of(base), 0);
	cr_assert_eq(arena_run_start(base, NULL), 0);
	heap_check();
}

/* However much comes back at once; and who does much may keep more. */
Test(runs, what_waits_is_bounded)
{
	for (size_t n_slices = 1; n_slices <= RUNS_SLICES_MAX; n_slices += 5) {
		for (size_t i = 0; i < MANY; i++)
			bases[i] = take_any(n_slices);
		for (size_t i = 0; i < MANY; i++) {
			give(bases[i], n_slices);
			cr_assert_leq(heap->runs.bytes, conf.magazine_bytes);
			cr_assert_leq(heap->runs.used_bytes, heap->runs.bytes);
		}
		cr_assert_geq(heap->runs.bytes, 256 << 10);
		heap_check();
	}
}

/* Takes and gives N of a length in turns until there is room for them. */
static void go_round(size_t n, size_t n_slices, int n_rounds)
{
	for (int round = 0; round < n_rounds; round++) {
		for (size_t i = 0; i < n; i++)
			bases[i] = take_any(n_slices);
		for (size_t i = 0; i < n; i++)
			give(bases[i], n_slices);
	}
}

static uint64_t locks_taken(void)
{
	return load_relaxed(&arena_lock.n_taken);
}

Test(runs, who_only_takes_gets_batches_as_well)
{
	go_round(MANY, 1, 1);
	empty(false);
	heap->runs.flow_bytes = 0;
	uint64_t before = locks_taken();
	for (size_t i = 0; i < MANY; i++)
		bases[i] = take_any(1);
	/* take() looks into the arena each time as well. */
	cr_assert_leq(locks_taken() - before, MANY + MANY / 20);
}

/* What fits is taken and given without the arena, whatever was at hand. */
Test(runs, a_burst_that_fits_stays)
{
	size_t n = conf.magazine_bytes / SLICE_BYTES / 4 * 3 / 4;
	for (size_t other = 1; other <= 8; other *= 2) {
		go_round(conf.magazine_bytes / SLICE_BYTES / other, other, 40);
		for (size_t batch = 1; batch < n; batch += 3) {
			heap->runs.batch[4] = (uint8_t)batch;
			go_round(n, 4, 40);
			uint64_t before = locks_taken();
			go_round(n, 4, 1);
			cr_assert_eq(locks_taken() - before, n);
		}
	}
	heap_check();
}

Test(runs, a_small_share_bounds_them_too)
{
	conf.magazine_bytes = 1 * MIB;
	for (size_t i = 0; i < MANY; i++)
		bases[i] = take_any(1);
	for (size_t i = 0; i < MANY; i++)
		give(bases[i], 1);
	cr_assert_leq(heap->runs.bytes, 1 * MIB);
	heap_check();
}

Test(runs, a_large_one_goes_through_though_it_is_beyond_the_share)
{
	conf.magazine_bytes = 1;
	for (int i = 0; i < 10; i++) {
		uintptr_t base = take_any(RUNS_SLICES_MAX);
		give(base, RUNS_SLICES_MAX);
		heap_check();
		cr_assert_leq(heap->runs.bytes, RUNS_SLICES_MAX * SLICE_BYTES);
	}
}

Test(runs, they_stay_while_they_are_used_and_go_when_they_are_not)
{
	give(take_any(4), 4);
	size_t bytes = heap->runs.bytes;
	cr_assert_gt(bytes, 0);
	empty(true);
	cr_assert_eq(heap->runs.bytes, bytes);
	empty(true);
	cr_assert_eq(heap->runs.bytes, 0);
	give(take_any(4), 4);
	cr_assert_gt(heap->runs.bytes, 0);
	empty(false);
	cr_assert_eq(heap->runs.bytes, 0);
}

/* What this thread had at hand is not lost with it. */
Test(runs, parking_gives_them_all_back)
{
	for (size_t i = 0; i < 20; i++)
		bases[i] = take_any(2);
	for (size_t i = 0; i < 20; i++)
		give(bases[i], 2);
	registry_park(heap);
	cr_assert_eq(runs_count_slices(&heap->runs), 0);
	for (size_t i = 0; i < 20; i++)
		cr_assert_eq(arena_run_start(bases[i], NULL), 0);
	heap_check();
}

/* What the heap has told and what it has not yet. */
static int64_t idle_now(void)
{
	return (int64_t)idle_bytes() - (int64_t)arena_cached_bytes() +
	       heap->idle.bytes;
}

Test(runs, those_with_pages_are_idle)
{
	int64_t before = idle_now();
	uintptr_t one = take_any(2), other = take_any(2);
	cr_assert_eq(idle_now(), before);
	give(one, 2);
	cr_assert_eq(idle_now(), before + 2 * (int64_t)SLICE_BYTES);
	give_clean(other, 2);
	cr_assert_eq(idle_now(), before + 2 * (int64_t)SLICE_BYTES);
	empty(false);
	cr_assert_eq(idle_now(), before);
	cr_assert_geq(arena_cached_bytes(), 2 * SLICE_BYTES);
}
