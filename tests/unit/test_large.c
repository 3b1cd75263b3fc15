/*
 * large: pages, zeros, growing in place and elsewhere, shrinking, and two who
 * free or resize one block.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arith.h"
#include "base/lock.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "meta/region.h"
#include "os/memory.h"
#include "tarn.h"
#include "watch/watch.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static uint32_t entry_of(const void *block)
{
	struct region *region = region_of((uintptr_t)block);
	cr_assert_not_null(region);
	return region_entry(region, region_slice(region, (uintptr_t)block));
}

/* What the page map says of a block in use. */
static uintptr_t descriptor_of(const void *block)
{
	struct region *region = region_of((uintptr_t)block);
	cr_assert_eq(entry_of(block), CODE_LARGE);
	uintptr_t descriptor = (uintptr_t)region_descriptor(
		region, region_slice(region, (uintptr_t)block));
	cr_assert(large_is(descriptor));
	return descriptor;
}

static size_t usable(const void *block)
{
	return large_usable_bytes(descriptor_of(block));
}

static unsigned char *alloc(size_t n)
{
	unsigned char *block = large_alloc(&heap_common, n, SLICE_BYTES, false);
	cr_assert_not_null(block);
	cr_assert_eq(large_requested_bytes(descriptor_of(block)), n + !n);
	cr_assert_geq(usable(block), n);
	return block;
}

static bool give(const void *block)
{
	size_t bytes;
	return large_free(&heap_common, (uintptr_t)block, &bytes);
}

static void *resize(void *block, size_t n)
{
	bool is_mine;
	void *resized =
		large_resize(&heap_common, (uintptr_t)block, n, &is_mine);
	cr_assert(is_mine);
	return resized;
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
	cr_assert_eq(usable(block), round_up(100 * KIB + 1, page));
	block[usable(block) - 1] = 1;
}

Test(large, no_bytes_are_a_block_all_the_same)
{
	unsigned char *one = alloc(0), *other = alloc(0);
	cr_assert_neq(one, other);
	cr_assert_gt(usable(one), 0);
}

Test(large, cleared_memory_is_zero_also_when_used_before)
{
	size_t sizes[] = {40 * KIB, 64 * KIB, 300 * KIB + 5, 40 * MIB};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *block = alloc(sizes[i]);
		memset(block, 1, usable(block));
		cr_assert(give(block));
		unsigned char *again =
			large_alloc(&heap_common, sizes[i], SLICE_BYTES, true);
		cr_assert_eq(again, block);
		assert_zero(again, sizes[i]);
		cr_assert(give(again));
	}
	heap_check();
}

Test(large, what_was_freed_last_serves_the_next_of_its_size)
{
	unsigned char *one = alloc(200 * KIB), *other = alloc(200 * KIB);
	give(one);
	give(other);
	cr_assert_eq(heap_look_up(one).mistake, HEAP_DOUBLE_FREE);
	cr_assert_eq(alloc(100 * KIB) == one, false);
	cr_assert_eq(alloc(250 * KIB), other);
	cr_assert_eq(alloc(200 * KIB), one);
	heap_check();
}

static size_t count_waiting(unsigned char **blocks, size_t n)
{
	size_t n_waiting = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_used = arena_run_start((uintptr_t)blocks[i], NULL) != 0;
		cr_assert_eq(is_used,
			     entry_code(entry_of(blocks[i])) == CODE_CACHED);
		n_waiting += is_used;
	}
	return n_waiting;
}

/* Half a MiB waits in any case, and an eighth of what was lately freed. */
Test(large, what_waits_for_the_next_is_bounded_and_given_back)
{
	enum { N = 400 };
	static unsigned char *blocks[N];
	for (int i = 0; i < N; i++)
		blocks[i] = alloc(SLICE_BYTES);
	for (int i = 0; i < N; i++)
		give(blocks[i]);
	size_t n_waiting = count_waiting(blocks, N);
	cr_assert_gt(n_waiting, 0);
	cr_assert_leq(n_waiting, (512 * KIB) / SLICE_BYTES + N / 8);
	heap_check();
	lock_acquire(&heap_common.lock);
	runs_empty_locked(&heap_common, false);
	lock_release(&heap_common.lock);
	cr_assert_eq(count_waiting(blocks, N), 0);
	heap_check();
}

Test(large, clearing_fresh_memory_touches_nothing)
{
	const size_t sizes[] = {100 * KIB, MIB, 64 * MIB};
	for (int i = 0; i < 3; i++) {
		unsigned char *block =
			large_alloc(&heap_common, sizes[i], SLICE_BYTES, true);
		cr_assert_not_null(block);
		cr_assert_eq(os_resident_bytes((uintptr_t)block, sizes[i]), 0);
	}
}

Test(large, blocks_are_aligned_as_asked)
{
	for (size_t align = SLICE_BYTES; align <= 1024 * MIB; align *= 4) {
		void *block = large_alloc(&heap_common, 100, align, false);
		cr_assert_not_null(block);
		cr_assert_eq((uintptr_t)block % align, 0);
		cr_assert(give(block));
	}
}

Test(large, shrinking_stays_and_gives_the_pages_back)
{
	unsigned char *block = alloc(4 * MIB);
	fill(block, 4 * MIB);
	cr_assert_eq(resize(block, 100 * KIB), block);
	assert_filled(block, 100 * KIB);
	size_t kept = usable(block);
	cr_assert_lt(kept, 104 * KIB);
	cr_assert_eq(os_resident_bytes((uintptr_t)block, 4 * MIB), kept);
	unsigned char *next = alloc(SLICE_BYTES);
	cr_assert(next > block && next < block + 4 * MIB);
	assert_filled(block, 100 * KIB);
}

Test(large, growing_into_free_slices_stays)
{
	unsigned char *block = alloc(2 * MIB), *next = alloc(3 * MIB);
	cr_assert_eq(next, block + 2 * MIB);
	fill(block, 2 * MIB);
	cr_assert(give(next));
	cr_assert_eq(resize(block, 5 * MIB), block);
	assert_filled(block, 2 * MIB);
	fill(block, 5 * MIB);
	assert_filled(block, 5 * MIB);
	heap_check();
}

Test(large, growing_into_slices_just_given_back_stays)
{
	unsigned char *block = alloc(4 * MIB);
	fill(block, 4 * MIB);
	cr_assert_eq(resize(block, 80 * KIB), block);
	cr_assert_eq(resize(block, MIB + 1), block);
	assert_filled(block, 80 * KIB);
	fill(block, MIB);
	assert_filled(block, MIB);
	heap_check();
}

Test(large, growing_past_a_neighbour_moves_the_pages)
{
	unsigned char *block = alloc(MIB), *next = alloc(SLICE_BYTES);
	fill(block, MIB);
	fill(next, SLICE_BYTES);
	unsigned char *moved = resize(block, 30 * MIB);
	cr_assert_not_null(moved);
	cr_assert_neq(moved, block);
	assert_filled(moved, MIB);
	cr_assert_geq(usable(moved), 30 * MIB);
	moved[30 * MIB - 1] = 1;
	assert_filled(next, SLICE_BYTES);
	cr_assert_eq(entry_of(block), 0);
	heap_check();
}

Test(large, sizes_nobody_can_have_are_refused)
{
	struct heap *heap = &heap_common;
	unsigned char *block = alloc(MIB);
	fill(block, MIB);
	cr_assert_null(large_alloc(heap, (size_t)PTRDIFF_MAX + 1, 1, false));
	cr_assert_null(large_alloc(heap, PTRDIFF_MAX, 1, false));
	cr_assert_null(large_alloc(heap, 1, (size_t)1 << 62, false));
	cr_assert_null(large_alloc(heap, (size_t)1 << 50, 1, true));
	cr_assert_null(resize(block, (size_t)1 << 50));
	cr_assert_null(resize(block, SIZE_MAX));
	cr_assert_null(resize(block, 0));
	assert_filled(block, MIB);
	cr_assert_eq(usable(block), MIB);
	heap_check();
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
	void *refused = resize(block, 500 * MIB);
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	cr_assert_null(refused);
	assert_filled(block, MIB);
	cr_assert_eq(usable(block), MIB);
	unsigned char *moved = resize(block, 500 * MIB);
	cr_assert_not_null(moved);
	assert_filled(moved, MIB);
}

/* --- two who free or resize one block ------------------------------------ */

Test(large, the_second_who_frees_or_resizes_is_told)
{
	const size_t sizes[] = {100 * KIB, MIB, 40 * MIB};
	for (int i = 0; i < 3; i++) {
		unsigned char *block = alloc(sizes[i]);
		bool is_mine = true;
		cr_assert(give(block));
		cr_assert_not(give(block));
		cr_assert_null(large_resize(&heap_common, (uintptr_t)block,
					    2 * MIB, &is_mine));
		cr_assert_not(is_mine);
		cr_assert_eq(heap_free_slow(block), HEAP_DOUBLE_FREE);
	}
	heap_check();
}

Test(large, the_place_that_a_block_has_left_is_told)
{
	unsigned char *block = alloc(MIB);
	alloc(SLICE_BYTES);
	fill(block, MIB);
	unsigned char *moved = resize(block, 30 * MIB);
	cr_assert_neq(moved, block);
	cr_assert_not(give(block));
	cr_assert_neq(heap_free_slow(block), HEAP_FREED);
	assert_filled(moved, MIB);
	cr_assert(give(moved));
}

static void set_entry(const void *block, uint32_t entry)
{
	struct region *region = region_of((uintptr_t)block);
	region->map[region_slice(region, (uintptr_t)block)] = entry;
}

Test(large, a_free_during_a_resize_is_told)
{
	unsigned char *block = alloc(MIB);
	bool is_mine = true;
	set_entry(block, CODE_BUSY);
	cr_assert_not(give(block));
	cr_assert_null(large_resize(&heap_common, (uintptr_t)block, 2 * MIB,
				    &is_mine));
	cr_assert_not(is_mine);
	cr_assert_eq(heap_free_slow(block), HEAP_DOUBLE_FREE);
	cr_assert_eq(heap_free_slow(block + 100), HEAP_INTERIOR);
	set_entry(block, CODE_LARGE);
	cr_assert_eq(heap_free_slow(block), HEAP_FREED);
	heap_check();
}

#define ROUNDS 300

static pthread_barrier_t together;
static unsigned char *contended;
static size_t wanted_bytes;

static void *free_contended(void *argument)
{
	uintptr_t n = 0;
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&together);
		n += give(contended);
		pthread_barrier_wait(&together);
	}
	return (void *)n;
}

Test(large, of_two_who_free_a_block_at_once_one_is_told)
{
	pthread_t thread;
	uintptr_t n = 0;
	void *theirs;
	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&thread, NULL, free_contended, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		contended = alloc((size_t)(i % 40 + 1) * 100 * KIB);
		pthread_barrier_wait(&together);
		n += give(contended);
		pthread_barrier_wait(&together);
	}
	pthread_join(thread, &theirs);
	cr_assert_eq(n + (uintptr_t)theirs, ROUNDS);
	heap_check();
	cr_assert_eq(heap_common.large.n_blocks, 0);
	cr_assert_eq(heap_common.large.n_slices, 0);
}

/* Where it is afterwards, or NULL if the other has freed it. */
static unsigned char *resize_contended(void)
{
	bool is_mine;
	void *to = large_resize(&heap_common, (uintptr_t)contended,
				wanted_bytes, &is_mine);
	return is_mine && to == NULL ? contended : to;
}

Test(large, of_a_free_and_a_resize_at_once_each_is_whole)
{
	pthread_t thread;
	uintptr_t n_mine = 0;
	void *theirs;
	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&thread, NULL, free_contended, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		size_t bytes = i % 2 == 0 ? 300 * KIB : 2 * MIB;
		contended = alloc(bytes);
		wanted_bytes = i % 3 == 0 ? bytes / 2 : bytes * 5 / 2;
		pthread_barrier_wait(&together);
		unsigned char *to = resize_contended();
		pthread_barrier_wait(&together);
		/* Freed after the resize, at the same place? */
		if (to != NULL && entry_of(to) == CODE_LARGE)
			n_mine += give(to);
	}
	pthread_join(thread, &theirs);
	cr_assert_eq(n_mine + (uintptr_t)theirs, ROUNDS);
	heap_check();
	cr_assert_eq(heap_common.large.n_blocks, 0);
	cr_assert_eq(heap_common.large.requested_bytes, 0);
	cr_assert_eq(heap_common.large.usable_bytes, 0);
	cr_assert_eq(heap_common.large.n_slices, 0);
}

/* By its size free_aligned_sized() knows a mistake. */
Test(large, an_aligned_block_is_as_large_where_sites_are_noted_as_elsewhere)
{
	size_t alignment = 512 << 10;
	watch_for(3600 * 1000);
	for (int i = 0; i < 100; i++) {
		void *block = tarn_aligned_alloc(alignment, 761);
		cr_assert_eq(tarn_malloc_usable_size(block), os_page_bytes());
		tarn_free_aligned_sized(block, alignment, 761);
	}
	watch_for(0);
}
