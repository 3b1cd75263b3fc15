/*
 * heap: magazines on top of pools, and what is told of pointers.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

#include "base/arith.h"
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
	lock_acquire(&heap_mine->lock);
	heap_drain_locked(heap_mine);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
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
	return magazine_capacity(magazine_log(&heap_mine->magazines[class])) *
	       (size_t)class_block_bytes(class);
}

Test(heap, a_magazine_that_is_full_gives_its_older_half_to_the_pools)
{
	uint32_t n = 4 * POOL_BLOCKS, before = 0;
	bool has_shrunk = false;
	take(n);
	for (uint32_t i = 0; i < n; i++) {
		tarn_free(blocks[i]);
		uint32_t now =
			magazine_count(&heap_mine->magazines[class_now()]);
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

/* --- addresses at which no block starts ---------------------------------- */

/* Of classes with one slice the hit path knows, of others the flush does. */
Test(heap, the_hit_path_takes_only_what_may_be_a_block)
{
	FOR_EACH_CLASS (class) {
		size_t bytes = class_block_bytes(class);
		bool is_one = class_pool_slices(class) == 1;
		char *block = tarn_malloc(bytes);
		for (size_t i = 1; is_one && i < bytes; i++) {
			cr_assert_not(heap_push(block + i));
			if (i < 64 || i % 1000 == 0)
				cr_assert_eq(heap_free_slow(block + i),
					     HEAP_INTERIOR);
		}
		cr_assert_not(heap_push((void *)&bytes));
		cr_assert_not(heap_push(NULL));
		cr_assert(heap_push(block));
		cr_assert_not(heap_push(block));
		cr_assert_eq(heap_free_slow(block), HEAP_DOUBLE_FREE);
	}
	heap_check();
}

/* free(p), free(q), free(p): the block before the last is compared too. */
Test(heap, a_double_free_with_one_between_is_told_at_once)
{
	void *one = tarn_malloc(BYTES), *other = tarn_malloc(BYTES);
	tarn_free(one);
	tarn_free(other);
	cr_assert_not(heap_push(one));
	cr_assert_eq(heap_free_slow(one), HEAP_DOUBLE_FREE);
	cr_assert_not(heap_push(other));
	cr_assert_eq(heap_free_slow(other), HEAP_DOUBLE_FREE);
	heap_check();
}

/* --- zeroed blocks ------------------------------------------------------- */

static bool is_zero(const unsigned char *block, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (block[i] != 0)
			return false;
	return true;
}

static const size_t zeroed_sizes[] = {8192, 10000, 16384, 28672, 40000, 65536};

/* But for one where two blocks meet in it. */
Test(heap, zeroed_blocks_of_fresh_memory_have_no_pages)
{
	size_t page = os_page_bytes();
	for (int s = 0; s < 6; s++) {
		uint32_t class = class_of(zeroed_sizes[s]);
		size_t shared = class_block_bytes(class) % page != 0;
		for (int i = 0; i < 20; i++) {
			blocks[i] = heap_take_zeroed(class, zeroed_sizes[s]);
			cr_assert_not_null(blocks[i]);
			struct pool *pool = pool_of(blocks[i]);
			cr_assert_leq(
				os_resident_bytes(pool->base,
						  pool->n_slices * SLICE_BYTES),
				shared * page * pool->n_carved);
		}
		heap_check();
	}
}

Test(heap, who_asks_for_zeros_gets_pages_only_where_he_writes)
{
	enum { N = 300 };
	size_t page = os_page_bytes(), resident = 0;
	for (int i = 0; i < N; i++) {
		blocks[i] = tarn_calloc(1, 16000);
		((char *)blocks[i])[8000] = 1;
	}
	for (int i = 0; i < N; i++) {
		uintptr_t low = round_down((uintptr_t)blocks[i], page);
		resident += os_resident_bytes(low, 4 * page);
	}
	cr_assert_leq(resident, N * 2 * page);
	heap_check();
}

Test(heap, zeroed_blocks_of_used_memory_are_zero)
{
	for (int s = 0; s < 6; s++) {
		size_t bytes = zeroed_sizes[s];
		uint32_t class = class_of(bytes), n = 40;
		for (int round = 0; round < 4; round++) {
			for (uint32_t i = 0; i < n; i++) {
				blocks[i] = heap_take_zeroed(class, bytes);
				cr_assert(is_zero(blocks[i], bytes));
				memset(blocks[i], 0xff,
				       class_block_bytes(class));
			}
			/* Some pages go, and pools with them. */
			for (uint32_t i = 0; i < n; i++)
				if (i % 3 != 0 || round == 3)
					tarn_free(blocks[i]);
			settle();
			if (round == 1)
				tarn_purge();
			heap_check();
			for (uint32_t i = 0; i < n && round < 3; i += 3)
				tarn_free(blocks[i]);
			settle();
		}
	}
}

Test(heap, zeroed_blocks_from_others_and_of_no_heap_are_zero)
{
	struct heap *mine = heap_mine;
	tarn_free(tarn_malloc(1));
	mine = heap_mine;
	heap_mine = &heap_gone;
	for (int i = 0; i < 30; i++) {
		blocks[i] = heap_take_zeroed(class_of(20000), 20000);
		cr_assert(is_zero(blocks[i], 20000));
		memset(blocks[i], 1, 20000);
		cr_assert_eq(pool_of(blocks[i])->owner, &heap_common);
	}
	for (int i = 0; i < 30; i++)
		cr_assert_eq(heap_free_slow(blocks[i]), HEAP_FREED);
	for (int i = 0; i < 30; i++) {
		blocks[i] = heap_take_zeroed(class_of(20000), 20000);
		cr_assert(is_zero(blocks[i], 20000));
	}
	heap_mine = mine;
	heap_check();
}

Test(heap, more_zeros_than_were_asked_for_are_not_written)
{
	uint32_t class = class_of(40000);
	tarn_free(tarn_malloc(1)); /* now the thread has a heap */
	unsigned char *block = heap_take_zeroed(class, 40000);
	cr_assert_eq(class_block_bytes(class), 40960);
	memset(block, 0xff, 40960);
	tarn_free(block);
	settle();
	cr_assert_eq(heap_take_zeroed(class, 100), block);
	cr_assert(is_zero(block, 100));
	cr_assert_eq(block[100], 0xff);
}
