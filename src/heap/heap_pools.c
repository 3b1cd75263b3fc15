/*
 * heap_pools: bins, the current pool, cooling.
 *
 * Law:   a pool is current, or in the bin that pool_bin() names, or exhausted
 *        and in none. It is given back as soon as it is unused, unless current.
 * Locks: the heap's.
 */
#include "heap/heap_pools.h"

#include "base/message.h"
#include "conf/conf.h"
#include "heap/growth.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "os/memory.h"
#include "os/system.h"

/* A refill waits for no more pools than this that others have freed blocks of,
 * and some more if it is large. */
#define DRAIN_POOLS 4

/* A class grows that got so many bytes of new pools between two ticks. Of
 * blocks larger than a page nobody knows which pages will be used. */
#define GROWING_BYTES ((size_t)1 << 20)

bool heap_sites_for_all;

static void leave_bin(struct heap *heap, struct pool *pool)
{
	if (pool->bin == POOL_IN_NO_BIN)
		return;
	pool_list_remove(&heap->bins[pool->class][pool->bin], pool,
			 POOL_LIST_BIN);
	pool->bin = POOL_IN_NO_BIN;
}

static void enter_bin(struct heap *heap, struct pool *pool, uint8_t bin)
{
	if (pool->bin == bin)
		return;
	leave_bin(heap, pool);
	pool->bin = bin;
	if (bin != POOL_IN_NO_BIN)
		pool_list_add(&heap->bins[pool->class][bin], pool,
			      POOL_LIST_BIN);
}

static void stop_cooling(struct heap *heap, struct pool *pool)
{
	if (!pool->is_cooling)
		return;
	pool_list_remove(&heap->cooling, pool, POOL_LIST_COOLING);
	pool->is_cooling = false;
}

static void start_cooling(struct heap *heap, struct pool *pool)
{
	if (pool->is_cooling)
		return;
	pool->is_cooling = true;
	pool->cooling_since_ms = os_now_ms();
	pool_list_add(&heap->cooling, pool, POOL_LIST_COOLING);
}

static void discard_pool(struct heap *heap, struct pool *pool)
{
	leave_bin(heap, pool);
	stop_cooling(heap, pool);
	if (pool->is_current)
		heap->current[pool->class] = NULL;
	pool_destroy(pool);
}

/* Puts a pool where it belongs after slots came back to it. */
static void settle_pool(struct heap *heap, struct pool *pool)
{
	if (pool->is_current) {
		start_cooling(heap, pool);
	} else if (pool_is_unused(pool)) {
		discard_pool(heap, pool);
	} else {
		enter_bin(heap, pool, pool_bin(pool));
		start_cooling(heap, pool);
	}
}

static void make_current(struct heap *heap, struct pool *pool)
{
	struct pool *old = heap->current[pool->class];
	if (old != NULL) {
		old->is_current = false;
		enter_bin(heap, old, pool_bin(old));
	}
	leave_bin(heap, pool);
	pool->is_current = true;
	heap->current[pool->class] = pool;
}

void heap_drain_locked(struct heap *heap)
{
	/* What was left of a list, then what was flagged since. */
	remote_drain_locked(heap, UINT32_MAX, settle_pool);
	remote_drain_locked(heap, UINT32_MAX, settle_pool);
}

/* The fullest pool of CLASS with room, but for the current one. */
static struct pool *fullest_pool(const struct heap *heap, uint32_t class)
{
	for (int bin = 0; bin < POOL_BINS; bin++)
		if (heap->bins[class][bin].first != NULL)
			return heap->bins[class][bin].first;
	return NULL;
}

static struct pool *create_pool(struct heap *heap, uint32_t class)
{
	struct pool *pool = pool_create(heap, heap_id(heap), class);
	if (pool == NULL)
		return NULL;
	if (heap_sites_for_all || heap->has_sites)
		pool_add_sites(pool);
	heap->created_bytes[class] += pool->n_slices * SLICE_BYTES;
	pool->is_growing = heap->created_bytes[class] > GROWING_BYTES &&
			   pool->block_bytes <= os_page_bytes();
	return pool;
}

/* Makes another pool of CLASS current; a new one only if NEED says so. */
static bool next_pool(struct heap *heap, uint32_t class, bool need)
{
	struct pool *pool = fullest_pool(heap, class);
	if (pool == NULL && need) {
		if (registry_adopt_locked(heap, class))
			return true;
		pool = create_pool(heap, class);
	}
	if (pool == NULL)
		return false;
	make_current(heap, pool);
	return true;
}

static uint32_t take_blocks(struct heap *heap, uint32_t class, uint32_t n,
			    void **end)
{
	uint32_t taken = 0;
	bool has_drained_all = false;
	remote_drain_locked(heap, DRAIN_POOLS + n / 8, settle_pool);
	for (;;) {
		struct pool *pool = heap->current[class];
		if (pool != NULL)
			taken += pool_take(pool, n - taken, end - taken);
		ASSERT(taken == n || pool == NULL || pool_is_exhausted(pool));
		if (taken == n)
			return n;
		if (next_pool(heap, class, false))
			continue;
		if (taken > 0)
			return taken;
		if (!has_drained_all)
			heap_drain_locked(heap);
		else if (!next_pool(heap, class, true))
			return 0;
		has_drained_all = true;
	}
}

uint32_t heap_take_blocks_locked(struct heap *heap, uint32_t class, uint32_t n,
				 void **end)
{
	uint32_t taken = take_blocks(heap, class, n, end);
	growth_note_locked(heap, taken, class_block_bytes(class));
	return taken;
}

_Noreturn static COLD void abort_late(enum pool_put_result result,
				      const struct pool *pool,
				      uintptr_t address)
{
	uint32_t slot = pool_slot(pool, address);
	uintptr_t start = pool_block(pool, slot);
	if (result == POOL_DOUBLE_FREE)
		message_abort("free(%p): double free of a %u-byte block "
			      "(noticed late)",
			      (void *)address, pool->block_bytes);
	if (result == POOL_INTERIOR)
		message_abort("free(%p): points %zu bytes into a %u-byte block "
			      "at %p (noticed late)",
			      (void *)address, (size_t)(address - start),
			      pool->block_bytes, (void *)start);
	message_abort("free(%p): no block was ever allocated here "
		      "(noticed late)",
		      (void *)address);
}

/* The pool of a block that came from this heap's magazines. */
static struct pool *pool_of(uintptr_t address)
{
	struct region *region = region_of(address);
	return region_descriptor(region, region_slice(region, address));
}

/* So many blocks ahead a pool's descriptor, and half as many its free bits, are
 * asked for from memory: blocks freed at random lie in as many pools. */
#define PREFETCH_BLOCKS 16

static void prefetch_pool(void **blocks, uint32_t n, uint32_t i)
{
	if (i < n)
		__builtin_prefetch(pool_of((uintptr_t)blocks[i]), 1);
}

static void prefetch_bits(void **blocks, uint32_t n, uint32_t i)
{
	if (i >= n)
		return;
	uintptr_t address = (uintptr_t)blocks[i];
	struct pool *pool = pool_of(address);
	__builtin_prefetch(&pool->bits[pool_slot(pool, address) / 64], 1);
}

void heap_put_blocks_locked(struct heap *heap, void **blocks, uint32_t n)
{
	struct pool *pool = NULL;
	for (uint32_t i = 0; i < PREFETCH_BLOCKS; i++)
		prefetch_pool(blocks, n, i);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t address = (uintptr_t)blocks[i];
		if (pool == NULL ||
		    address - pool->base >= pool->n_slices * SLICE_BYTES) {
			if (pool != NULL)
				settle_pool(heap, pool);
			pool = pool_of(address);
			prefetch_pool(blocks, n, i + PREFETCH_BLOCKS);
			prefetch_bits(blocks, n, i + PREFETCH_BLOCKS / 2);
		}
		enum pool_put_result result = pool_put(pool, address);
		if (UNLIKELY(result != POOL_PUT))
			abort_late(result, pool, address);
	}
	if (pool == NULL)
		return;
	growth_note_locked(heap, -(int64_t)n, pool->block_bytes);
	settle_pool(heap, pool);
}

bool heap_purge_locked(struct heap *heap, bool all, size_t limit,
		       size_t *purged)
{
	uint64_t now = os_now_ms(), decay_ms = load_relaxed(&conf.decay_ms);
	size_t done = 0;
	struct pool *pool;
	while (done < limit && (pool = heap->cooling.first) != NULL &&
	       (all || now - pool->cooling_since_ms >= decay_ms)) {
		stop_cooling(heap, pool);
		if (pool_is_unused(pool))
			discard_pool(heap, pool);
		else
			done += pool_purge(pool);
	}
	*purged += done;
	return done < limit;
}

bool heap_adopt_pool_locked(struct heap *heap, struct heap *from,
			    uint32_t class)
{
	struct pool *pool = fullest_pool(from, class);
	if (pool == NULL)
		pool = from->current[class];
	if (pool == NULL || pool_is_exhausted(pool))
		return false;
	leave_bin(from, pool);
	stop_cooling(from, pool);
	if (pool->is_current)
		from->current[class] = NULL;
	pool_change_owner(pool, heap, heap_id(heap));
	remote_drain_pool_locked(pool);
	make_current(heap, pool);
	start_cooling(heap, pool);
	return true;
}

enum pool_put_result heap_put_one(struct heap *heap, struct pool *pool,
				  uintptr_t address)
{
	lock_acquire(&heap->lock);
	heap_drain_locked(heap);
	enum pool_put_result result = pool_put(pool, address);
	if (result == POOL_PUT) {
		growth_note_locked(heap, -1, pool->block_bytes);
		settle_pool(heap, pool);
	}
	lock_release(&heap->lock);
	return result;
}

static void check_bin(const struct heap *heap, uint32_t class, uint8_t bin)
{
	const struct pool *pool = heap->bins[class][bin].first;
	for (; pool != NULL; pool = pool->links[POOL_LIST_BIN].next)
		if (pool->owner != heap || pool->class != class ||
		    pool->bin != bin || pool_bin(pool) != bin ||
		    pool->is_current)
			message_abort("broken law: pool at %p is in the wrong "
				      "bin",
				      (void *)pool->base);
}

void heap_check_lists_locked(const struct heap *heap)
{
	const struct pool *pool;
	FOR_EACH_CLASS (class) {
		pool = heap->current[class];
		if (pool != NULL && (pool->owner != heap || !pool->is_current ||
				     pool->bin != POOL_IN_NO_BIN))
			message_abort("broken law: pool at %p is not current",
				      (void *)pool->base);
		for (uint8_t bin = 0; bin < POOL_BINS; bin++)
			check_bin(heap, class, bin);
	}
	for (pool = heap->cooling.first; pool != NULL;
	     pool = pool->links[POOL_LIST_COOLING].next)
		if (pool->owner != heap || !pool->is_cooling)
			message_abort("broken law: pool at %p cools elsewhere",
				      (void *)pool->base);
}
