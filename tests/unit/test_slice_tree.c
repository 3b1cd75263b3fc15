/*
 * slice_tree: what it finds is what a walk over all bits finds, and at a cost
 * that does not grow with what is there.
 */
#include <criterion/criterion.h>

#include "base/bits.h"
#include "base/lock.h"
#include "heap/arena.h"
#include "heap/slice_bits.h"
#include "heap/slice_state.h"
#include "heap/slice_tree.h"

/* Nodes of all levels on the way to a leaf and back, several times over; a walk
 * over the runs would be thousands. */
#define FEW_STEPS 300

#define N_RUNS 2000

static uint64_t seed = 11;

static size_t below(size_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static void check(void)
{
	lock_acquire(&arena_lock);
	arena_check_locked();
	lock_release(&arena_lock);
}

/* By a walk over all free runs. */
static size_t first_fit(size_t n)
{
	size_t at = 0, stop;
	for (; slices_next_free(&regions[0], &at, &stop); at = stop)
		if (stop - at >= n)
			return at;
	return regions[0].end;
}

static size_t first_cached(size_t from)
{
	for (size_t at = from; at < regions[0].end; at++) {
		const struct slice_group *group = &regions[0].groups[at / 64];
		if ((group->free & group->dirty) >> (at % 64) & 1)
			return at;
	}
	return regions[0].end;
}

static void compare(void)
{
	size_t n = below(4) == 0 ? 1 + below(400) : 1 + below(8);
	lock_acquire(&arena_lock);
	cr_assert_eq(slice_tree_find(&regions[0], SLICES_FREE, n),
		     first_fit(n));
	size_t from = below(regions[0].end), at = from, length = n;
	bool found = slices_next_cached(&regions[0], false, &at, &length);
	cr_assert_eq(found ? at : regions[0].end, first_cached(from));
	lock_release(&arena_lock);
}

Test(slice_tree, finds_what_a_walk_finds)
{
	struct run runs[64] = {{0}};
	for (int i = 0; i < 20000; i++) {
		struct run *run = &runs[below(64)];
		if (run->base != 0) {
			arena_give_some(run, 1, below(2));
			run->base = 0;
		} else {
			run->n_slices =
				below(6) == 0 ? 1 + below(500) : 1 + below(5);
			run->base = (uintptr_t)arena_take(run->n_slices,
							  SLICE_BYTES);
			cr_assert_neq(run->base, 0);
		}
		compare();
		if (i % 64 == 0)
			check();
	}
}

Test(slice_tree, a_run_of_any_length_is_found_at_any_place)
{
	char *run = arena_take(300, SLICE_BYTES);
	size_t first = region_slice(&regions[0], (uintptr_t)run);
	/* What is left of the arena is out of the way. */
	for (size_t n; (n = slice_tree_longest(&regions[0], SLICES_FREE)) > 0;)
		arena_take(n, SLICE_BYTES);
	for (size_t n = 1; n <= 200; n += 1 + n / 16)
		for (size_t at = 0; at < 100; at++) {
			struct run part = {(uintptr_t)run + at * SLICE_BYTES,
					   n};
			arena_give_some(&part, 1, false);
			cr_assert_eq(
				slice_tree_find(&regions[0], SLICES_FREE, n),
				first + at);
			cr_assert_eq(
				slice_tree_longest(&regions[0], SLICES_FREE),
				n);
			cr_assert_eq(arena_take(n, SLICE_BYTES),
				     (void *)part.base);
		}
	check();
}

/* N holes of two slices, each beside a run in use. */
static void make_holes(size_t n, struct run *holes)
{
	for (size_t i = 0; i < n; i++) {
		holes[i] =
			(struct run){(uintptr_t)arena_take(2, SLICE_BYTES), 2};
		cr_assert_neq(holes[i].base, 0);
		cr_assert_not_null(arena_take(2, SLICE_BYTES));
	}
	arena_give_some(holes, n, false);
}

Test(slice_tree, a_search_among_holes_too_short_takes_few_steps)
{
	static struct run holes[N_RUNS];
	make_holes(N_RUNS, holes);
	for (int i = 0; i < 100; i++) {
		size_t before = slice_tree_steps;
		void *run = arena_take(3, SLICE_BYTES);
		cr_assert_not_null(run);
		arena_give_some(&(struct run){(uintptr_t)run, 3}, 1, false);
		cr_assert_leq(slice_tree_steps - before, FEW_STEPS);
	}
	check();
}

Test(slice_tree, giving_beside_a_long_free_run_takes_few_steps)
{
	enum { LONG = 100000 };
	char *run = arena_take(LONG, SLICE_BYTES);
	cr_assert_not_null(run);
	struct run all_but_one = {(uintptr_t)run, LONG - 1};
	struct run last = {(uintptr_t)run + (LONG - 1) * SLICE_BYTES, 1};
	arena_give_some(&all_but_one, 1, false);
	size_t before = slice_tree_steps;
	arena_give_some(&last, 1, false);
	cr_assert_leq(slice_tree_steps - before, FEW_STEPS);
	check();
}

Test(slice_tree, what_is_dirty_is_found_in_few_steps)
{
	static struct run holes[N_RUNS];
	struct run dirty;
	make_holes(N_RUNS, holes);
	for (int i = 0; i < 100; i++) {
		cr_assert_eq(arena_take_dirty(true, SIZE_MAX, &dirty, 1), 0);
		uintptr_t base = (uintptr_t)arena_take(2, SLICE_BYTES);
		arena_give_some(&(struct run){base, 2}, 1, true);
		size_t before = slice_tree_steps;
		cr_assert_eq(arena_take_dirty(true, SIZE_MAX, &dirty, 1), 1);
		cr_assert_leq(slice_tree_steps - before, FEW_STEPS);
		cr_assert_eq(dirty.base, base);
		arena_give_some(&dirty, 1, false);
	}
	check();
}

Test(slice_tree, a_tick_and_a_look_for_what_is_old_take_few_steps)
{
	static struct run runs[N_RUNS];
	struct run old;
	make_holes(N_RUNS, runs);
	/* All dirty, none of them old. */
	for (size_t i = 0; i < N_RUNS; i++)
		runs[i].base = (uintptr_t)arena_take(2, SLICE_BYTES);
	arena_age();
	arena_give_some(runs, N_RUNS, true);
	size_t before = slice_tree_steps;
	cr_assert_eq(arena_take_dirty(false, SIZE_MAX, &old, 1), 0);
	/* Each group was looked at once, and is not again in this tick. */
	size_t all = slice_tree_steps;
	cr_assert_eq(arena_take_dirty(false, SIZE_MAX, &old, 1), 0);
	cr_assert_leq(slice_tree_steps - all, FEW_STEPS);
	arena_age();
	cr_assert_leq(slice_tree_steps - all, FEW_STEPS);
	cr_assert_geq(slice_tree_steps, before);
	for (size_t i = 0; i < N_RUNS; i++) {
		all = slice_tree_steps;
		cr_assert_eq(arena_take_dirty(false, SIZE_MAX, &old, 1), 1);
		cr_assert_leq(slice_tree_steps - all, FEW_STEPS);
		arena_give_some(&old, 1, false);
	}
	cr_assert_eq(arena_take_dirty(false, SIZE_MAX, &old, 1), 0);
	check();
}
