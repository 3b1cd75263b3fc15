/*
 * arena: runs of slices, their reuse, their pages and their limits.
 */
#include <criterion/criterion.h>

#include <string.h>
#include <sys/resource.h>

#include "base/lock.h"
#include "heap/arena.h"
#include "os/memory.h"

#define MIB ((size_t)1 << 20)

static void check(void)
{
	lock_acquire(&arena_lock);
	arena_check_locked();
	lock_release(&arena_lock);
}

static struct arena_counts counts(void)
{
	lock_acquire(&arena_lock);
	struct arena_counts now = arena_count_locked();
	lock_release(&arena_lock);
	return now;
}

static char *take(size_t n)
{
	char *run = arena_take(n, SLICE_BYTES);
	cr_assert_not_null(run);
	cr_assert_eq((uintptr_t)run % SLICE_BYTES, 0);
	check();
	return run;
}

static void give(void *run, size_t n)
{
	arena_give_some(&(struct run){(uintptr_t)run, n}, 1, true);
	check();
}

static size_t purge(bool all)
{
	struct run runs[4];
	size_t n, purged = 0;
	while ((n = arena_take_dirty(all, SIZE_MAX, runs, 4)) > 0) {
		for (size_t i = 0; i < n; i++) {
			size_t bytes = runs[i].n_slices * SLICE_BYTES;
			cr_assert(os_purge(runs[i].base, bytes));
			purged += bytes;
		}
		check();
		arena_give_some(runs, n, false);
		check();
	}
	return purged;
}

static bool is_zero(const char *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (from[i] != 0)
			return false;
	return true;
}

Test(arena, a_fresh_run_is_clean_and_zero)
{
	char *run = take(3);
	cr_assert(arena_is_clean(run, 3));
	cr_assert(is_zero(run, 3 * SLICE_BYTES));
}

Test(arena, a_run_given_back_is_dirty_and_taken_first)
{
	char *run = take(1);
	take(1);
	memset(run, 1, SLICE_BYTES);
	give(run, 1);
	cr_assert_eq(arena_cached_bytes(), SLICE_BYTES);
	cr_assert_eq(take(1), run);
	cr_assert_not(arena_is_clean(run, 1));
	cr_assert_eq(arena_cached_bytes(), 0);
}

Test(arena, clearing_makes_a_dirty_run_zero)
{
	char *run = take(4);
	memset(run, 1, 4 * SLICE_BYTES);
	give(run, 4);
	cr_assert_eq(take(4), run);
	arena_clear(run, 4 * SLICE_BYTES - 10);
	cr_assert(is_zero(run, 4 * SLICE_BYTES - 10));
}

Test(arena, neighbours_that_are_free_make_one_run)
{
	char *first = take(2), *second = take(3), *third = take(4);
	cr_assert_eq(second, first + 2 * SLICE_BYTES);
	take(1);
	give(first, 2);
	give(third, 4);
	give(second, 3);
	cr_assert_eq(take(9), first);
}

Test(arena, a_purged_run_is_clean_and_has_no_pages)
{
	char *run = take(2);
	memset(run, 1, 2 * SLICE_BYTES);
	give(run, 2);
	cr_assert_eq(purge(true), 2 * SLICE_BYTES);
	cr_assert_eq(arena_cached_bytes(), 0);
	cr_assert_eq(os_resident_bytes((uintptr_t)run, 2 * SLICE_BYTES), 0);
	cr_assert_eq(take(2), run);
	cr_assert(arena_is_clean(run, 2));
	cr_assert(is_zero(run, 2 * SLICE_BYTES));
}

Test(arena, what_was_free_for_less_than_a_tick_is_not_purged)
{
	char *run = take(2);
	give(run, 2);
	cr_assert_eq(purge(false), 0);
	arena_age();
	check();
	cr_assert_eq(purge(false), 2 * SLICE_BYTES);
}

Test(arena, what_is_taken_and_given_again_is_young_again)
{
	char *run = take(1);
	give(run, 1);
	arena_age();
	cr_assert_eq(take(1), run);
	give(run, 1);
	cr_assert_eq(purge(false), 0);
}

Test(arena, the_limit_of_a_purge_is_kept)
{
	struct run runs[4];
	char *first = take(2);
	take(1);
	char *second = take(2);
	give(first, 2);
	give(second, 2);
	/* A longer run is cut. */
	cr_assert_eq(arena_take_dirty(true, 1, runs, 4), 1);
	cr_assert_eq(runs[0].n_slices, 1);
	check();
	cr_assert_eq(arena_take_dirty(true, SIZE_MAX, runs + 1, 3), 2);
	cr_assert_eq(arena_take_dirty(true, SIZE_MAX, runs + 3, 1), 0);
	arena_give_some(runs, 3, true);
	check();
	cr_assert_eq(arena_cached_bytes(), 4 * SLICE_BYTES);
}

Test(arena, a_run_is_aligned_as_asked)
{
	for (size_t align = SLICE_BYTES; align <= 1024 * MIB; align *= 2) {
		char *run = arena_take(1, align);
		cr_assert_not_null(run);
		cr_assert_eq((uintptr_t)run % align, 0);
		check();
	}
}

Test(arena, a_run_grows_where_it_is_if_the_next_slices_are_free)
{
	char *run = take(2), *next = take(3), *last = take(1);
	run[0] = 1;
	cr_assert_not(arena_extend(run, 2, 1));
	give(next, 3);
	cr_assert_not(arena_extend(run, 2, 4));
	cr_assert(arena_extend(run, 2, 3));
	check();
	run[5 * SLICE_BYTES - 1] = 1;
	give(run, 5);
	give(last, 1);
	cr_assert_eq(take(6), run);
}

static void note_target(void *context, void *target)
{
	*(void **)context = target;
}

Test(arena, moving_takes_the_contents_along_and_frees_the_old_place)
{
	char *run = take(3);
	take(1);
	memset(run, 7, 3 * SLICE_BYTES);
	char *told = NULL;
	char *moved = arena_move(run, 3, 50, note_target, &told);
	cr_assert_not_null(moved);
	cr_assert_eq(moved, told);
	check();
	for (size_t i = 0; i < 3 * SLICE_BYTES; i++)
		cr_assert_eq(moved[i], 7);
	cr_assert(is_zero(moved + 3 * SLICE_BYTES, 47 * SLICE_BYTES));
	moved[50 * SLICE_BYTES - 1] = 1;
	give(moved, 50);
}

static void limit_address_space(rlim_t bytes)
{
	struct rlimit limit;
	cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

Test(arena, under_a_limit_free_slices_make_room_for_longer_runs)
{
	enum { N = 64 };
	char *runs[N];
	for (size_t i = 0; i < N; i++)
		runs[i] = take(16);
	take(counts().n_free_slices);
	struct arena_counts before = counts();
	limit_address_space(1);
	/* Every other one, so that no free run is as long as what follows. */
	for (size_t i = 0; i < N; i += 2)
		give(runs[i], 16);
	cr_assert_null(arena_take(20, SLICE_BYTES));
	cr_assert(arena_make_room(20, SLICE_BYTES));
	check();
	limit_address_space(RLIM_INFINITY);
	cr_assert_leq(counts().n_mapped_slices, before.n_mapped_slices);
	take(20);
	for (size_t i = 1; i < N; i += 2)
		give(runs[i], 16);
}

Test(arena, a_run_beyond_all_reason_is_refused_and_leaves_no_trace)
{
	static struct region before[REGIONS_MAX];
	give(take(1), 1);
	memcpy(before, regions, sizeof(before));
	for (unsigned log = 31; log < 48; log++) {
		cr_assert_null(arena_take((size_t)1 << log, SLICE_BYTES),
			       "2^%u slices", log);
		check();
	}
	cr_assert_null(arena_take(1, (size_t)1 << 62));
	check();
	cr_assert_eq(n_regions, 1);
	cr_assert_arr_eq(&regions[1], &before[1],
			 sizeof(before) - sizeof(before[0]));
	give(take(1), 1);
}

static void count_run(void *context, struct region *region, size_t slice,
		      size_t n_slices)
{
	size_t *sum = context;
	(void)region, (void)slice;
	*sum = *sum * 100 + n_slices;
}

Test(arena, the_runs_in_use_are_visited_in_order)
{
	size_t sum = 0;
	take(3);
	give(take(2), 2);
	take(70);
	take(5);
	lock_acquire(&arena_lock);
	arena_visit_locked(count_run, &sum);
	lock_release(&arena_lock);
	/* 3, then 70 where the 2 were, then 5. */
	cr_assert_eq(sum, 37005);
}
