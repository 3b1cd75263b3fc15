/*
 * large: pages, zeros, growing in place and elsewhere, shrinking.
 */
#include <criterion/criterion.h>

#include <string.h>
#include <sys/resource.h>

#include "base/arith.h"
#include "base/lock.h"
#include "heap/arena.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "meta/region.h"
#include "os/memory.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static struct large *large_of(const void *block)
{
	struct region *region = region_of((uintptr_t)block);
	cr_assert_not_null(region);
	size_t slice = region_slice(region, (uintptr_t)block);
	cr_assert_eq(entry_code(region_entry(region, slice)), CODE_LARGE);
	struct large *large = region_descriptor(region, slice);
	cr_assert_eq(large->base, (uintptr_t)block);
	return large;
}

static unsigned char *alloc(size_t n)
{
	unsigned char *block = large_alloc(n, SLICE_BYTES, false);
	cr_assert_not_null(block);
	cr_assert_geq(large_of(block)->usable_bytes, n);
	return block;
}

static void fill(unsigned char *block, size_t n)
{
	for (size_t i = 0; i < n; i += 512)
		block[i] = (unsigned char)(i / 512 % 251 + 1);
}

static void assert_filled(const unsigned char *block, size_t n)
{
	for (size_t i = 0; i < n; i += 512)
		cr_assert_eq(block[i], i / 512 % 251 + 1, "at %zu", i);
}

static void assert_zero(const unsigned char *block, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(block[i], 0, "at %zu", i);
}

Test(large, usable_bytes_are_whole_pages)
{
	size_t page = os_page_bytes();
	unsigned char *block = alloc(100 * KIB + 1);
	cr_assert_eq(large_of(block)->usable_bytes,
		     round_up(100 * KIB + 1, page));
	block[large_of(block)->usable_bytes - 1] = 1;
}

Test(large, no_bytes_are_a_block_all_the_same)
{
	unsigned char *one = alloc(0), *other = alloc(0);
	cr_assert_neq(one, other);
	cr_assert_gt(large_of(one)->usable_bytes, 0);
}

Test(large, cleared_memory_is_zero_also_when_used_before)
{
	size_t sizes[] = {40 * KIB, 64 * KIB, 300 * KIB + 5, 40 * MIB};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *block = alloc(sizes[i]);
		memset(block, 1, large_of(block)->usable_bytes);
		large_free(large_of(block));
		unsigned char *again = large_alloc(sizes[i], SLICE_BYTES, true);
		cr_assert_eq(again, block);
		assert_zero(again, sizes[i]);
		large_free(large_of(again));
	}
}

Test(large, what_was_freed_last_serves_the_next_of_its_size)
{
	unsigned char *one = alloc(200 * KIB), *other = alloc(200 * KIB);
	large_free(large_of(one));
	large_free(large_of(other));
	cr_assert_eq(heap_look_up(one).mistake, HEAP_DOUBLE_FREE);
	cr_assert_eq(alloc(100 * KIB) == one, false);
	cr_assert_eq(alloc(250 * KIB), other);
	cr_assert_eq(alloc(200 * KIB), one);
	heap_check();
}

Test(large, what_waits_for_the_next_is_bounded_and_given_back)
{
	unsigned char *blocks[40];
	size_t n_waiting = 0;
	for (int i = 0; i < 40; i++)
		blocks[i] = alloc(SLICE_BYTES);
	for (int i = 0; i < 40; i++)
		large_free(large_of(blocks[i]));
	for (int i = 0; i < 40; i++)
		n_waiting += arena_run_start((uintptr_t)blocks[i], NULL) != 0;
	cr_assert_eq(n_waiting, MIB / SLICE_BYTES);
	heap_check();
	large_give_back_recent();
	for (int i = 0; i < 40; i++)
		cr_assert_eq(arena_run_start((uintptr_t)blocks[i], NULL), 0);
	heap_check();
}

Test(large, clearing_fresh_memory_touches_nothing)
{
	unsigned char *block = large_alloc(64 * MIB, SLICE_BYTES, true);
	cr_assert_not_null(block);
	cr_assert_eq(os_resident_bytes((uintptr_t)block, 64 * MIB), 0);
}

Test(large, blocks_are_aligned_as_asked)
{
	for (size_t align = SLICE_BYTES; align <= 1024 * MIB; align *= 4) {
		void *block = large_alloc(100, align, false);
		cr_assert_not_null(block);
		cr_assert_eq((uintptr_t)block % align, 0);
		large_free(large_of(block));
	}
}

Test(large, shrinking_stays_and_gives_the_pages_back)
{
	unsigned char *block = alloc(4 * MIB);
	fill(block, 4 * MIB);
	cr_assert_eq(large_resize(large_of(block), 100 * KIB), block);
	assert_filled(block, 100 * KIB);
	size_t kept = large_of(block)->usable_bytes;
	cr_assert_lt(kept, 104 * KIB);
	cr_assert_eq(os_resident_bytes((uintptr_t)block, 4 * MIB), kept);
	unsigned char *next = alloc(SLICE_BYTES);
	cr_assert(next > block && next < block + 4 * MIB);
	assert_filled(block, 100 * KIB);
}

Test(large, growing_into_free_slices_stays)
{
	unsigned char *block = alloc(SLICE_BYTES), *next = alloc(MIB);
	fill(block, SLICE_BYTES);
	large_free(large_of(next));
	cr_assert_eq(large_resize(large_of(block), MIB), block);
	assert_filled(block, SLICE_BYTES);
	fill(block, MIB);
	assert_filled(block, MIB);
}

Test(large, growing_past_a_neighbour_moves_the_pages)
{
	unsigned char *block = alloc(MIB), *next = alloc(SLICE_BYTES);
	fill(block, MIB);
	fill(next, SLICE_BYTES);
	unsigned char *moved = large_resize(large_of(block), 30 * MIB);
	cr_assert_not_null(moved);
	cr_assert_neq(moved, block);
	assert_filled(moved, MIB);
	cr_assert_geq(large_of(moved)->usable_bytes, 30 * MIB);
	moved[30 * MIB - 1] = 1;
	assert_filled(next, SLICE_BYTES);
	cr_assert_eq(region_entry(region_of((uintptr_t)block),
				  region_slice(region_of((uintptr_t)block),
					       (uintptr_t)block)),
		     0);
}

Test(large, sizes_nobody_can_have_are_refused)
{
	unsigned char *block = alloc(MIB);
	fill(block, MIB);
	cr_assert_null(large_alloc((size_t)PTRDIFF_MAX + 1, 1, false));
	cr_assert_null(large_alloc(PTRDIFF_MAX, 1, false));
	cr_assert_null(large_alloc(1, (size_t)1 << 62, false));
	cr_assert_null(large_alloc((size_t)1 << 50, 1, true));
	cr_assert_null(large_resize(large_of(block), (size_t)1 << 50));
	cr_assert_null(large_resize(large_of(block), SIZE_MAX));
	assert_filled(block, MIB);
	cr_assert_eq(large_of(block)->usable_bytes, MIB);
	lock_acquire(&arena_lock);
	arena_check_locked();
	lock_release(&arena_lock);
}

Test(large, under_a_limit_a_refused_growth_changes_nothing)
{
	struct rlimit limit, low;
	unsigned char *block = alloc(MIB);
	alloc(SLICE_BYTES);
	fill(block, MIB);
	cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
	low = limit;
	low.rlim_cur = 1;
	cr_assert_eq(setrlimit(RLIMIT_AS, &low), 0);
	void *refused = large_resize(large_of(block), 500 * MIB);
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	cr_assert_null(refused);
	assert_filled(block, MIB);
	cr_assert_eq(large_of(block)->usable_bytes, MIB);
	unsigned char *moved = large_resize(large_of(block), 500 * MIB);
	cr_assert_not_null(moved);
	assert_filled(moved, MIB);
}
