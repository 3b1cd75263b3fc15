/*
 * pool: carving, taking, giving back, and pages that go while blocks stay.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "base/arith.h"
#include "base/bits.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/pool.h"
#include "os/memory.h"

static struct pool_spares spares[N_CLASSES];

#define OWNER_ID 5

static struct heap owner;

static struct pool *create(size_t bytes)
{
	struct pool *pool =
		pool_new_descriptor(&spares[class_of(bytes)], class_of(bytes));
	cr_assert_not_null(pool);
	cr_assert_eq(pool->block_bytes, bytes);
	void *base = arena_take(pool->n_slices, SLICE_BYTES);
	cr_assert_not_null(base);
	pool_create(pool, &owner, OWNER_ID, (uintptr_t)base,
		    arena_is_clean(base, pool->n_slices));
	pool_check(pool);
	return pool;
}

/* Up to N slots in the order in which they are taken. */
static uint32_t take(struct pool *pool, uint32_t n, void **blocks)
{
	static void *downwards[8192 + 7];
	void **end = downwards + sizeof(downwards) / sizeof(*downwards);
	uint32_t taken = pool_take(pool, n, end);
	for (uint32_t i = 0; i < taken; i++)
		blocks[i] = *--end;
	return taken;
}

static void *take_one(struct pool *pool)
{
	void *block = NULL;
	cr_assert_eq(take(pool, 1, &block), 1);
	pool_check(pool);
	return block;
}

/* Takes every slot there is. */
static uint32_t take_all(struct pool *pool, void **blocks)
{
	uint32_t n = take(pool, pool->n_slots + 7, blocks);
	cr_assert_eq(n, pool->n_slots);
	cr_assert(pool_is_exhausted(pool));
	pool_check(pool);
	return n;
}

/* What decay does between heap_take_away_locked and heap_bring_back_locked. */
static size_t purge(struct pool *pool)
{
	uint64_t pages = pool_purgeable(pool), left = pages;
	uintptr_t at;
	size_t bytes, sum = 0;
	while ((bytes = pool_next_purgeable(pool, &left, &at)) != 0) {
		cr_assert(os_purge(at, bytes));
		sum += bytes;
	}
	pool->purged |= pages;
	return sum;
}

static void put(struct pool *pool, void *block)
{
	cr_assert_eq(pool_put(pool, (uintptr_t)block), POOL_PUT);
	pool_check(pool);
}

Test(pool, every_address_finds_its_slot_in_every_class)
{
	FOR_EACH_CLASS (class) {
		struct pool *pool = create(class_block_bytes(class));
		for (uint32_t slot = 0; slot < pool->n_slots; slot++) {
			uintptr_t start = pool_block(pool, slot);
			cr_assert_eq(pool_slot(pool, start), slot);
			cr_assert_eq(
				pool_slot(pool, start + pool->block_bytes - 1),
				slot);
		}
		uintptr_t end = pool->base + pool->n_slices * SLICE_BYTES;
		cr_assert_geq(pool_slot(pool, end - 1), pool->n_slots - 1);
	}
}

Test(pool, fresh_slots_are_carved_in_address_order)
{
	struct pool *pool = create(48);
	void *blocks[10];
	cr_assert_eq(take(pool, 10, blocks), 10);
	for (uint32_t i = 0; i < 10; i++)
		cr_assert_eq((uintptr_t)blocks[i], pool_block(pool, i));
	cr_assert_eq(pool->n_carved, 10);
	pool_check(pool);
}

Test(pool, the_page_map_names_owner_and_class_in_every_slice)
{
	struct pool *pool = create(32768);
	struct region *region = region_of(pool->base);
	size_t slice = region_slice(region, pool->base);
	cr_assert_eq(pool->n_slices, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(region_entry(region, slice + i),
			     entry_make(OWNER_ID, pool->class));
		cr_assert_eq(region_descriptor(region, slice + i), pool);
	}
}

Test(pool, freed_slots_are_taken_before_fresh_ones_lowest_first)
{
	struct pool *pool = create(64);
	void *blocks[200], *again[3];
	cr_assert_eq(take(pool, 200, blocks), 200);
	put(pool, blocks[130]);
	put(pool, blocks[7]);
	cr_assert_eq(take(pool, 3, again), 3);
	cr_assert_eq(again[0], blocks[7]);
	cr_assert_eq(again[1], blocks[130]);
	cr_assert_eq((uintptr_t)again[2], pool_block(pool, 200));
	pool_check(pool);
}

Test(pool, an_exhausted_pool_gives_nothing)
{
	static void *blocks[8192];
	struct pool *pool = create(16);
	void *none;
	take_all(pool, blocks);
	cr_assert_eq(take(pool, 1, &none), 0);
	cr_assert_eq(pool_bin(pool), POOL_IN_NO_BIN);
}

Test(pool, the_fuller_a_pool_the_lower_its_bin)
{
	static void *blocks[8192];
	struct pool *pool = create(16);
	uint32_t n = take_all(pool, blocks);
	uint8_t before = 0;
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(pool_put(pool, (uintptr_t)blocks[i]), POOL_PUT);
		uint8_t bin = pool_bin(pool);
		cr_assert_lt(bin, POOL_BINS);
		cr_assert_geq(bin, before);
		before = bin;
	}
	cr_assert_eq(before, POOL_BINS - 1);
	cr_assert(pool_is_unused(pool));
}

Test(pool, a_second_put_is_a_double_free)
{
	struct pool *pool = create(64);
	void *block = take_one(pool);
	put(pool, block);
	cr_assert_eq(pool_examine(pool, (uintptr_t)block), POOL_DOUBLE_FREE);
	cr_assert_eq(pool_put(pool, (uintptr_t)block), POOL_DOUBLE_FREE);
	pool_check(pool);
}

Test(pool, an_address_inside_a_block_is_told_from_its_start)
{
	struct pool *pool = create(80);
	uintptr_t start = (uintptr_t)take_one(pool);
	for (size_t i = 1; i < 80; i++)
		cr_assert_eq(pool_put(pool, start + i), POOL_INTERIOR);
	cr_assert_eq(pool_examine(pool, start), POOL_PUT);
}

Test(pool, a_slot_that_was_never_carved_is_told)
{
	struct pool *pool = create(80);
	uintptr_t start = (uintptr_t)take_one(pool);
	cr_assert_eq(pool_put(pool, start + 80), POOL_NEVER_CARVED);
	cr_assert_eq(pool_put(pool, start + 81), POOL_NEVER_CARVED);
	cr_assert_eq(pool_put(pool, pool->base + SLICE_BYTES - 1),
		     POOL_NEVER_CARVED);
	pool_check(pool);
}

/* Blocks of a quarter page: three pages keep one block each, the rest goes. */
Test(pool, a_purge_takes_the_pages_no_block_touches)
{
	static void *blocks[8192];
	size_t page = os_page_bytes();
	struct pool *pool = create(1024);
	uint32_t n = take_all(pool, blocks), kept = 0;
	for (uint32_t i = 0; i < n; i++)
		memset(blocks[i], 7, 1024);
	size_t per_page = page / 1024;
	for (uint32_t i = 0; i < n; i++)
		if (i % (5 * per_page) == 0)
			kept++;
		else
			put(pool, blocks[i]);
	size_t all = pool->n_slices * SLICE_BYTES;
	cr_assert_eq(purge(pool), all - kept * page);
	pool_check(pool);
	cr_assert_eq(pool_purged_bytes(pool), all - kept * page);
	cr_assert_eq(os_resident_bytes(pool->base, all), kept * page);
	for (uint32_t i = 0; i < n; i += (uint32_t)(5 * per_page))
		cr_assert_eq(*(unsigned char *)blocks[i], 7);
	cr_assert_eq(purge(pool), 0);
}

Test(pool, a_slot_on_a_purged_page_can_be_taken_again)
{
	static void *blocks[8192];
	struct pool *pool = create(512);
	uint32_t n = take_all(pool, blocks);
	for (uint32_t i = 1; i < n; i++)
		put(pool, blocks[i]);
	purge(pool);
	size_t purged = pool_purged_bytes(pool);
	for (uint32_t i = 1; i < n; i++) {
		unsigned char *block = take_one(pool);
		cr_assert_eq(*block, i * 512 < os_page_bytes() ? *block : 0);
		memset(block, 9, 512);
		cr_assert_leq(pool_purged_bytes(pool), purged);
		purged = pool_purged_bytes(pool);
	}
	cr_assert_eq(purged, 0);
}

/* Blocks that cross pages: a page goes only when both its neighbours went. */
Test(pool, a_block_across_two_pages_keeps_both)
{
	static void *blocks[8192];
	struct pool *pool = create(3072);
	uint32_t n = take_all(pool, blocks);
	for (uint32_t i = 0; i < n; i++)
		memset(blocks[i], (int)i + 1, 3072);
	for (uint32_t i = 0; i < n; i++)
		if (i != 1)
			put(pool, blocks[i]);
	purge(pool);
	const unsigned char *kept = blocks[1];
	for (size_t i = 0; i < 3072; i++)
		cr_assert_eq(kept[i], 2);
	cr_assert_eq(
		os_resident_bytes(pool->base, pool->n_slices * SLICE_BYTES),
		round_up((uintptr_t)kept + 3072, os_page_bytes()) -
			round_down((uintptr_t)kept, os_page_bytes()));
}

/* Where a page was never written or has gone there is nothing to clear. */
Test(pool, a_zeroed_slot_tells_which_of_its_bytes_may_be_something_else)
{
	static void *blocks[8192];
	const size_t sizes[] = {512, 3072, 4096, 5120, 7168, 24576, 65536};
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct pool *pool = create(sizes[s]);
		size_t bytes = sizes[s], first, stop;
		for (uint32_t i = 0; i < pool->n_slots; i++) {
			unsigned char *block =
				pool_take_zeroed(pool, &first, &stop);
			cr_assert(first <= stop && stop <= bytes);
			for (size_t at = 0; at < bytes; at++)
				cr_assert(block[at] == 0 ||
					  (first <= at && at < stop));
			cr_assert_eq(block, (void *)pool_block(pool, i));
			memset(block, 1, bytes);
			blocks[i] = block;
		}
		cr_assert_null(pool_take_zeroed(pool, &first, &stop));
		for (uint32_t i = 0; i < pool->n_slots; i++)
			if (i % 3 != 0)
				put(pool, blocks[i]);
		purge(pool);
		for (uint32_t i = 1; i < pool->n_slots; i += 3)
			if (i + 1 < pool->n_slots) {
				unsigned char *block =
					pool_take_zeroed(pool, &first, &stop);
				for (size_t at = 0; at < bytes; at++)
					cr_assert(block[at] == 0 ||
						  (first <= at && at < stop));
				memset(block, 2, bytes);
			}
		pool_check(pool);
	}
}

Test(pool, a_zeroed_slot_on_fresh_pages_has_nothing_to_clear)
{
	struct pool *pool = create(32768);
	size_t first, stop;
	for (uint32_t i = 0; i < pool->n_slots; i++) {
		cr_assert_not_null(pool_take_zeroed(pool, &first, &stop));
		cr_assert_eq(first, stop);
	}
	cr_assert_eq(
		os_resident_bytes(pool->base, pool->n_slices * SLICE_BYTES), 0);
}

Test(pool, a_descriptor_serves_the_next_pool_of_its_class)
{
	struct pool *pool = create(64);
	void *block = take_one(pool);
	put(pool, block);
	uintptr_t base = pool->base;
	pool_destroy(&spares[pool->class], pool);
	cr_assert_eq(region_entry(region_of(base),
				  region_slice(region_of(base), base)),
		     0);
	cr_assert_neq(create(80), pool);
	struct pool *again = create(64);
	cr_assert_eq(again, pool);
	cr_assert_eq(again->n_carved, 0);
	cr_assert_eq(bits_count(again->bits, 2 * again->n_words), 0);
}

Test(pool, a_change_of_owner_is_in_the_page_map)
{
	static struct heap other;
	struct pool *pool = create(64);
	pool_change_owner(pool, &other, OWNER_ID + 1);
	cr_assert_eq(pool->owner, &other);
	struct region *region = region_of(pool->base);
	cr_assert_eq(region_entry(region, region_slice(region, pool->base)),
		     entry_make(OWNER_ID + 1, pool->class));
}
