/*
 * arena: runs of slices, their reuse, their pages and their limits.
 */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

/* How many mappings the kernel has between two addresses. */
static size_t count_mappings(uintptr_t from, uintptr_t to)
{
	size_t n = 0;
	unsigned long start, end;
	FILE *maps = fopen("/proc/self/maps", "r");
	cr_assert_not_null(maps);
	while (fscanf(maps, "%lx-%lx%*[^\n]", &start, &end) == 2)
		n += start < to && end > from;
	fclose(maps);
	return n;
}

Test(arena, moved_runs_are_few_and_leave_no_mapping_behind)
{
	enum { N = MOVED_RUNS_MAX + 200 };
	static struct run runs[N];
	static bool is_moved[N];
	size_t n_moved = 0;
	for (size_t i = 0; i < N; i++) {
		char *run = take(2);
		memset(run, 1, 1);
		runs[i] = (struct run){(uintptr_t)run, 2};
	}
	for (size_t i = 0; i < N; i++) {
		void *told, *to = arena_move((void *)runs[i].base, 2, 3,
					     note_target, &told);
		is_moved[i] = to != NULL;
		if (to == NULL)
			continue;
		runs[i] = (struct run){(uintptr_t)to, 3};
		cr_assert(arena_is_moved(to, 3));
		cr_assert_eq(*(char *)to, 1);
		n_moved++;
	}
	check();
	cr_assert_eq(n_moved, MOVED_RUNS_MAX);
	cr_assert_eq(counts().n_moved_runs, MOVED_RUNS_MAX);
	for (size_t i = 0; i < N; i++)
		if (is_moved[i])
			arena_give_moved((void *)runs[i].base, 3);
		else
			arena_give_some(&runs[i], 1, true);
	check();
	cr_assert_eq(counts().n_moved_runs, 0);
	cr_assert_leq(
		count_mappings(regions[0].base,
			       slice_address(&regions[0], regions[0].end)),
		20);
}

Test(arena, what_is_cut_out_of_a_moved_run_leaves_two)
{
	char *run = take(4);
	void *told;
	char *moved = arena_move(run, 4, 9, note_target, &told);
	cr_assert_not_null(moved);
	cr_assert_eq(counts().n_moved_runs, 1);
	/* The tail stays moved while it is free, and for who takes it next. */
	give(moved + 6 * SLICE_BYTES, 3);
	cr_assert_eq(counts().n_moved_runs, 1);
	arena_give_moved(moved, 3);
	check();
	cr_assert_eq(counts().n_moved_runs, 1);
	cr_assert(arena_is_moved(moved + 3 * SLICE_BYTES, 1));
	cr_assert_not(arena_is_moved(moved, 3));
	arena_give_moved(moved + 3 * SLICE_BYTES, 3);
	check();
}

Test(arena, many_runs_with_pages_come_and_go_at_once)
{
	enum { N = 60, ODD = N / 2 };
	struct run runs[N];
	uintptr_t bases[N + 1];
	for (size_t i = 0; i < N; i++)
		runs[i] = (struct run){(uintptr_t)take(3), 3};
	arena_give_some(runs, N, true);
	check();
	cr_assert_eq(arena_cached_bytes(), 3 * N * SLICE_BYTES);
	cr_assert_eq(arena_take_some(3, 0, bases), 0);
	cr_assert_eq(arena_take_some(3, N / 2, bases), N / 2);
	check();
	/* No more than there are, though there is room for others. */
	cr_assert_eq(arena_take_some(3, N + 1, bases + N / 2), N / 2);
	check();
	cr_assert_eq(arena_cached_bytes(), 0);
	for (size_t i = 0; i < N; i++) {
		cr_assert_not(arena_is_clean((void *)bases[i], 3));
		for (size_t j = 0; j < i; j++)
			cr_assert(bases[i] >= bases[j] + 3 * SLICE_BYTES ||
				  bases[j] >= bases[i] + 3 * SLICE_BYTES);
	}
	/* Where they lie in pieces as well. */
	for (size_t i = 0; i < N; i += 2)
		arena_give_some(&runs[i], 1, true);
	cr_assert_eq(arena_take_some(2, ODD, bases), ODD);
	check();
	for (size_t i = 0; i < ODD; i++)
		cr_assert_not(arena_is_clean((void *)bases[i], 2));
}

Test(arena, runs_without_pages_come_side_by_side_and_not_with_others)
{
	uintptr_t bases[8];
	struct run room = {(uintptr_t)arena_take(512, SLICE_BYTES), 512};
	arena_give_some(&room, 1, false);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(arena_take_some(3, 8, bases), 2);
		check();
		cr_assert_eq(bases[1], bases[0] + 3 * SLICE_BYTES);
		cr_assert(arena_is_clean((void *)bases[0], 6));
	}
	give((void *)bases[0], 3);
	cr_assert_eq(arena_take_some(1, 8, bases), 3);
	check();
	for (size_t i = 0; i < 3; i++)
		cr_assert_not(arena_is_clean((void *)bases[i], 1));
}

static bool is_first_of(void *context, struct region *region, size_t slice,
			size_t n_slices)
{
	(void)n_slices;
	return slice_address(region, slice) == *(uintptr_t *)context;
}

Test(arena, what_nobody_claims_after_a_fork_is_free)
{
	char *kept = take(3), *lost = take(2), *leaving = take(2);
	take(1);
	region_set_entry(&regions[0],
			 region_slice(&regions[0], (uintptr_t)leaving),
			 CODE_LEAVING);
	uintptr_t base = (uintptr_t)kept;
	lock_acquire(&arena_lock);
	arena_reclaim_locked(is_first_of, &base);
	lock_release(&arena_lock);
	check();
	size_t n;
	cr_assert_eq(arena_run_start((uintptr_t)kept + 1, &n), base);
	cr_assert_eq(n, 3);
	cr_assert_eq(arena_run_start((uintptr_t)lost, NULL), 0);
	cr_assert_eq(arena_run_start((uintptr_t)leaving, NULL),
		     (uintptr_t)leaving);
	cr_assert_not(arena_is_clean(take(2), 2));
}

Test(arena, what_cannot_be_is_refused_and_nothing_is_unmapped)
{
	give(take(8), 8);
	struct arena_counts before = counts();
	limit_address_space(before.n_mapped_slices * SLICE_BYTES + 4096 * MIB);
	for (size_t n = (size_t)1 << 17; n != 0; n *= 2) {
		cr_assert_null(arena_take(n, SLICE_BYTES));
		cr_assert_not(arena_could_make_room(n, SLICE_BYTES));
		cr_assert_not(arena_make_room(n, SLICE_BYTES));
	}
	limit_address_space(RLIM_INFINITY);
	struct arena_counts after = counts();
	cr_assert_eq(after.n_mapped_slices, before.n_mapped_slices);
	cr_assert_eq(after.n_cached_slices, before.n_cached_slices);
	check();
}

Test(arena, what_others_map_in_the_way_is_passed_over)
{
	take(counts().n_free_slices + 1);
	take(counts().n_free_slices);
	struct region *region = &regions[0];
	void *others = (void *)slice_address(region, region->end + 2);
	cr_assert_eq(mmap(others, SLICE_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			  0),
		     others);
	*(char *)others = 1;
	char *run = take(5);
	memset(run, 2, 5 * SLICE_BYTES);
	cr_assert_eq(*(char *)others, 1);
	cr_assert_neq((void *)run, others);
	take(2000);
	cr_assert_eq(*(char *)others, 1);
}

Test(arena, the_arrays_grow_with_the_region)
{
	take(1);
	size_t before = regions[0].n_slices;
	cr_assert_leq(before, 32768, "%zu slices at first", before);
	uintptr_t behind = slice_address(&regions[0], before);
	cr_assert_null(region_of(behind));
	char *run = take(2 * before);
	cr_assert_geq(regions[0].n_slices, regions[0].end);
	cr_assert_eq(region_of(behind), &regions[0]);
	run[before * SLICE_BYTES] = 1;
	give(run, 2 * before);
}

static void note_range(void *context, uintptr_t at, size_t bytes)
{
	struct run **next = context;
	*(*next)++ = (struct run){at, bytes};
}

Test(arena, regions_and_their_arrays_are_apart)
{
	static struct run ranges[16 * REGIONS_MAX];
	struct run *end = ranges;
	/* Most of a region each: the next needs another. */
	while (n_regions < REGIONS_MAX &&
	       arena_take((size_t)1 << 18, SLICE_BYTES) != NULL)
		;
	check();
	lock_acquire(&arena_lock);
	region_visit_arrays_locked(note_range, &end);
	lock_release(&arena_lock);
	for (size_t i = 0; i < n_regions; i++)
		note_range(&end, regions[i].base,
			   regions[i].n_slices_max * SLICE_BYTES);
	for (struct run *a = ranges; a < end; a++)
		for (struct run *b = a + 1; b < end; b++)
			cr_assert(a->base + a->n_slices <= b->base ||
				  b->base + b->n_slices <= a->base);
}

static size_t resident_pages(void)
{
	size_t resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%*u %zu", &resident), 1);
	fclose(file);
	return resident;
}

Test(arena, copying_touches_no_page_that_is_zero_in_both)
{
	size_t page = os_page_bytes();
	char *from = take(320), *to = take(320);
	memset(from, 1, 3);
	from[9 * page + 7] = 2;
	to[11 * page] = 3;
	size_t before = resident_pages();
	arena_copy(to, from, 320 * SLICE_BYTES - 100);
	cr_assert_leq(resident_pages(), before + 512);
	cr_assert_eq(memcmp(to, from, 320 * SLICE_BYTES - 100), 0);
	cr_assert_eq(to[11 * page], 0);
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
