/*
 * heap: magazines on top of pools, and what is told of pointers.
 */
#include <criterion/criterion.h>

#include <pthread.h>

#include "base/lock.h"
#include "conf/conf.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "os/memory.h"
#include "tarn.h"

/* 1024 bytes: 64 blocks in a pool. */
#define BYTES 1024
#define POOL_BLOCKS 64

static void *blocks[64 * POOL_BLOCKS];

static void take(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		blocks[i] = tarn_malloc(BYTES);
		cr_assert_not_null(blocks[i]);
	}
	heap_check();
}

static struct pool *pool_of(const void *block)
{
	struct region *region = region_of((uintptr_t)block);
	return region_descriptor(region,
				 region_slice(region, (uintptr_t)block));
}

static uint32_t class_now(void)
{
	return class_of(BYTES);
}

/* All that lies in magazines goes back to the pools. */
static void settle(void)
{
	heap_empty_magazines(heap_mine, false);
	heap_check();
}

static enum heap_mistake look(const void *pointer)
{
	return heap_look_up(pointer).mistake;
}

Test(heap, a_full_pool_leaves_the_bins)
{
	take(2 * POOL_BLOCKS + 1);
	settle();
	cr_assert_eq(pool_of(blocks[0])->bin, POOL_IN_NO_BIN);
	cr_assert_not(pool_of(blocks[0])->is_current);
	cr_assert(pool_is_exhausted(pool_of(blocks[0])));
}

Test(heap, a_pool_that_gets_a_block_back_is_in_a_bin_again)
{
	take(4 * POOL_BLOCKS);
	struct pool *pool = pool_of(blocks[0]);
	tarn_free(blocks[0]);
	settle();
	cr_assert_eq(pool->bin, 0);
	cr_assert_eq(pool->n_free, 1);
	cr_assert(pool->is_cooling);
}

Test(heap, the_fullest_pool_is_used_before_the_emptier_ones)
{
	take(6 * POOL_BLOCKS);
	struct pool *full = pool_of(blocks[0]);
	struct pool *empty = pool_of(blocks[2 * POOL_BLOCKS]);
	tarn_free(blocks[3]);
	for (int i = 1; i < POOL_BLOCKS; i++)
		tarn_free(blocks[2 * POOL_BLOCKS + i]);
	settle();
	cr_assert_gt(empty->bin, full->bin);
	/* What is left of the current pool comes first. */
	uint32_t n = 0;
	void *block;
	do {
		block = tarn_malloc(BYTES);
		cr_assert_not_null(block);
		cr_assert_neq(pool_of(block), empty);
	} while (pool_of(block) != full && ++n < 2 * POOL_BLOCKS);
	cr_assert_eq(pool_of(block), full);
}

Test(heap, a_pool_that_is_wholly_free_goes_back_to_the_arena)
{
	struct tarn_stats before, after;
	take(6 * POOL_BLOCKS);
	tarn_stats_get(&before, sizeof(before));
	for (int i = 0; i < 6 * POOL_BLOCKS; i++)
		tarn_free(blocks[i]);
	settle();
	tarn_stats_get(&after, sizeof(after));
	cr_assert_leq(after.pools + 5, before.pools);
	cr_assert_eq(after.live_blocks, 0);
}

Test(heap, a_block_comes_back_to_who_freed_it_last)
{
	void *first = tarn_malloc(BYTES), *second = tarn_malloc(BYTES);
	tarn_free(first);
	tarn_free(second);
	cr_assert_eq(tarn_malloc(BYTES), second);
	cr_assert_eq(tarn_malloc(BYTES), first);
}

static void give(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		tarn_free(blocks[i]);
	heap_check();
}

/* Takes and frees so many bytes, 64 KiB at a time. */
static void work(size_t bytes, size_t block_bytes)
{
	size_t n = (64 << 10) / block_bytes;
	for (size_t done = 0; done < bytes; done += 64 << 10) {
		for (size_t i = 0; i < n; i++)
			blocks[i] = tarn_malloc(block_bytes);
		give((uint32_t)n);
	}
}

static size_t room_bytes(uint32_t class)
{
	return magazine_capacity(heap_mine->magazine_log[class]) *
	       (size_t)class_block_bytes(class);
}

Test(heap, a_magazine_that_is_full_gives_its_older_half_to_the_pools)
{
	uint32_t n = 4 * POOL_BLOCKS, before = 0;
	bool has_shrunk = false;
	take(n);
	for (uint32_t i = 0; i < n; i++) {
		tarn_free(blocks[i]);
		uint32_t now = heap_magazine_count(heap_mine, class_now());
		has_shrunk |= now < before;
		cr_assert(now == before + 1 || now == before - before / 2);
		before = now;
	}
	cr_assert(has_shrunk);
	heap_check();
	struct tarn_stats stats;
	tarn_stats_get(&stats, sizeof(stats));
	cr_assert_eq(stats.live_blocks, 0);
}

Test(heap, who_works_little_keeps_little)
{
	work(64 << 10, BYTES);
	cr_assert_leq(room_bytes(class_now()), 32 << 10);
	work(16 << 20, BYTES);
	cr_assert_geq(room_bytes(class_now()), 64 << 10);
}

Test(heap, idle_magazines_make_room_for_busy_ones)
{
	uint32_t idle = class_of(2048);
	size_t most = conf.magazine_bytes = 256 << 10;
	work(64 << 20, 2048);
	size_t before = room_bytes(idle);
	cr_assert_geq(before, 64 << 10);
	for (size_t bytes = 512; bytes <= 1024; bytes += 64) {
		work(64 << 20, bytes);
		cr_assert_leq(heap_mine->capacity_bytes, most);
		heap_check();
	}
	cr_assert_geq(room_bytes(class_now()), 64 << 10);
	cr_assert_lt(room_bytes(idle), before);
}

static bool kernel_can_populate(void)
{
	void *page = os_map(os_page_bytes());
	cr_assert_not_null(page);
	os_populate((uintptr_t)page, os_page_bytes());
	return os_resident_bytes((uintptr_t)page, os_page_bytes()) != 0;
}

static size_t resident_bytes(const void *block)
{
	return os_resident_bytes(pool_of(block)->base, SLICE_BYTES);
}

Test(heap, a_class_that_grows_gets_its_pages_before_they_are_touched)
{
	uint32_t n = 32 * POOL_BLOCKS;
	if (!kernel_can_populate())
		cr_skip_test("MADV_POPULATE_WRITE is unknown here");
	take(n);
	cr_assert_eq(resident_bytes(blocks[0]), 0);
	cr_assert_eq(resident_bytes(blocks[n - 1 - POOL_BLOCKS]), SLICE_BYTES);
	heap_check();
}

Test(heap, room_is_counted)
{
	size_t sum = 0;
	for (size_t bytes = 16; bytes <= 32768; bytes *= 2)
		work(1 << 20, bytes);
	FOR_EACH_CLASS (class)
		sum += room_bytes(class);
	cr_assert_eq(heap_mine->capacity_bytes, sum);
	settle();
	cr_assert_eq(heap_mine->capacity_bytes, 0);
}

Test(heap, a_block_in_use_is_known_by_its_start_only)
{
	char *small = tarn_malloc(100), *large = tarn_malloc(1 << 20);
	cr_assert_eq(look(small), HEAP_FREED);
	cr_assert_eq(heap_look_up(small).usable_bytes, 112);
	cr_assert_eq(look(small + 16), HEAP_INTERIOR);
	cr_assert_eq(heap_look_up(small + 16).start, (uintptr_t)small);
	cr_assert_eq(look(large), HEAP_FREED);
	cr_assert(heap_look_up(large).is_large);
	cr_assert_eq(look(large + 1), HEAP_INTERIOR);
	cr_assert_eq(look(large + (1 << 19)), HEAP_INTERIOR);
	cr_assert_eq(heap_look_up(large + (1 << 19)).start, (uintptr_t)large);
}

Test(heap, what_was_freed_is_known)
{
	char *small = tarn_malloc(100), *large = tarn_malloc(1 << 20);
	tarn_malloc(100);
	tarn_free(small);
	tarn_free(large);
	settle();
	cr_assert_eq(look(small), HEAP_DOUBLE_FREE);
	cr_assert_eq(look(large), HEAP_DOUBLE_FREE);
}

Test(heap, what_was_never_given_is_known)
{
	int on_stack;
	char *small = tarn_malloc(100);
	cr_assert_eq(look(&on_stack), HEAP_FOREIGN);
	cr_assert_eq(look(small + 60 * 1024), HEAP_NEVER_ALLOCATED);
	cr_assert_eq(look((char *)slice_address(&regions[0],
						regions[0].n_slices - 1)),
		     HEAP_NEVER_ALLOCATED);
	cr_assert_eq(
		look((char *)slice_address(&regions[0], regions[0].n_slices)),
		HEAP_FOREIGN);
}

static void *free_all(void *argument)
{
	(void)argument;
	for (int i = 0; i < 4 * POOL_BLOCKS; i++)
		tarn_free(blocks[i]);
	return NULL;
}

Test(heap, what_others_free_is_drained_at_the_next_refill)
{
	pthread_t thread;
	take(4 * POOL_BLOCKS);
	cr_assert_eq(pthread_create(&thread, NULL, free_all, NULL), 0);
	pthread_join(thread, NULL);
	heap_check();
	uintptr_t highest = 0;
	for (int i = 0; i < 4 * POOL_BLOCKS; i++)
		if ((uintptr_t)blocks[i] > highest)
			highest = (uintptr_t)blocks[i];
	/* As many again come from the same pools. */
	for (int i = 0; i < 4 * POOL_BLOCKS; i++)
		cr_assert_leq((uintptr_t)tarn_malloc(BYTES),
			      highest + POOL_BLOCKS * BYTES);
}
