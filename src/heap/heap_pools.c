/*
 * heap_pools: bins, the current pool, cooling.
 *
 * Law:   a pool is current, or in the bin that pool_bin() names, or exhausted
 *        or away and in none. It is given back as soon as it is unused, unless
 *        it is current, away, or still flagged (heap/remote.h).
 * Locks: the heap's.
 */
#include "heap/heap_pools.h"

#include "base/arith.h"
#include "base/bits.h"
#include "base/message.h"
#include "conf/conf.h"
#include "heap/growth.h"
#include "heap/large.h"
#include "heap/late.h"
#include "heap/remote.h"
#include "os/memory.h"
#include "os/system.h"

/* A refill waits for no more pools than this that others have freed blocks of,
 * and some more if it is large. */
#define DRAIN_POOLS 4

/* A class grows that got so many bytes of new pools between two ticks. Of
 * blocks larger than a page nobody knows which pages will be used. */
#define GROWING_BYTES ((size_t)1 << 20)

/* In one look for pools to purge so many are looked at. */
#define LOOKED_AT_MAX 32

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
	if (pool->is_cooling || pool->idle_bytes == 0)
		return;
	pool->is_cooling = true;
	pool->cooling_since_ms = os_now_ms();
	pool_list_add(&heap->cooling, pool, POOL_LIST_COOLING);
}

static void set_idle(struct heap *heap, struct pool *pool, uint32_t bytes)
{
	idle_note_locked(&heap->idle,
			 (int64_t)bytes - (int64_t)pool->idle_bytes);
	pool->idle_bytes = bytes;
}

static struct class_counts *counts_of(struct heap *heap,
				      const struct pool *pool)
{
	return &heap->counts[pool->class];
}

/* BYTES more of POOL have no pages. */
static void note_purged(struct heap *heap, const struct pool *pool,
			int64_t bytes)
{
	counts_of(heap, pool)->purged_bytes += (uint64_t)bytes;
	idle_note_absent_locked(&heap->idle, bytes);
}

/* Gives an unused pool back; false if it has to stay. */
static bool discard_pool(struct heap *heap, struct pool *pool)
{
	if (!remote_disown(pool))
		return false;
	uintptr_t base = pool->base;
	size_t n_slices = pool->n_slices, purged = pool_purged_bytes(pool);
	leave_bin(heap, pool);
	stop_cooling(heap, pool);
	set_idle(heap, pool, 0);
	if (pool->is_current)
		heap->current[pool->class] = NULL;
	counts_of(heap, pool)->n_pools--;
	note_purged(heap, pool, -(int64_t)purged);
	pool_destroy(&heap->spares[pool->class], pool);
	if (purged == n_slices * SLICE_BYTES)
		runs_give_clean_locked(heap, base, n_slices);
	else
		runs_give_locked(heap, base, n_slices);
	return true;
}

/* Puts a pool where it belongs. */
static void settle(struct heap *heap, struct pool *pool)
{
	if (pool->is_away)
		return;
	if (!pool->is_current && pool_is_unused(pool) &&
	    discard_pool(heap, pool))
		return;
	if (!pool->is_current)
		enter_bin(heap, pool, pool_bin(pool));
	start_cooling(heap, pool);
}

/*
 * What N blocks make idle that are freed. With small ones that had been freed
 * before, and did not count any more, they free whole pages.
 */
static uint32_t idle_by(uint32_t n, uint32_t block_bytes)
{
	return n * block_bytes * (block_bytes <= SMALL_BYTES_MAX ? 3 : 1);
}

/* N slots came back to POOL. */
static void settle_freed(struct heap *heap, struct pool *pool, uint32_t n)
{
	pool->idle_bytes += idle_by(n, pool->block_bytes);
	settle(heap, pool);
}

/* N slots of CLASS came back to pools, which have been settled. */
static void note_freed(struct heap *heap, uint32_t class, uint32_t n)
{
	uint32_t bytes = class_block_bytes(class);
	heap->counts[class].n_in_use -= n;
	growth_note_locked(heap, -(int64_t)n, bytes);
	idle_note_freed_locked(&heap->idle, (size_t)n * bytes);
	idle_note_locked(&heap->idle, idle_by(n, bytes));
}

static void settle_drained(struct heap *heap, struct pool *pool, uint32_t n)
{
	note_freed(heap, pool->class, n);
	settle_freed(heap, pool, n);
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
	remote_drain_locked(heap, UINT32_MAX, settle_drained);
	remote_drain_locked(heap, UINT32_MAX, settle_drained);
}

/* The fullest pool of CLASS with room, but for the current one. */
static struct pool *fullest_pool(const struct heap *heap, uint32_t class)
{
	for (int bin = 0; bin < POOL_BINS; bin++)
		if (heap->bins[class][bin].first != NULL)
			return heap->bins[class][bin].first;
	return NULL;
}

/* The fullest pool of CLASS that has slots which were used before. */
static struct pool *used_pool(const struct heap *heap, uint32_t class)
{
	struct pool *current = heap->current[class];
	if (current != NULL && current->n_free > 0)
		return current;
	for (int bin = 0; bin < POOL_BINS; bin++) {
		struct pool *pool = heap->bins[class][bin].first;
		for (; pool != NULL; pool = pool->links[POOL_LIST_BIN].next)
			if (pool->n_free > 0)
				return pool;
	}
	return NULL;
}

bool heap_has_room_locked(const struct heap *heap, uint32_t class)
{
	return used_pool(heap, class) != NULL;
}

static struct pool *create_pool(struct heap *heap, uint32_t class)
{
	bool is_clean;
	struct pool *pool = pool_new_descriptor(&heap->spares[class], class);
	if (pool == NULL)
		return NULL;
	uintptr_t base = runs_take_locked(heap, pool->n_slices, &is_clean);
	if (base == 0) {
		pool_keep_descriptor(&heap->spares[class], pool);
		return NULL;
	}
	pool_create(pool, heap, heap_id(heap), base, is_clean);
	if (heap_sites_for_all || heap->has_sites)
		pool_add_sites(pool);
	heap->created_bytes[class] += pool->n_slices * SLICE_BYTES;
	pool->is_growing = heap->created_bytes[class] > GROWING_BYTES &&
			   pool->block_bytes <= os_page_bytes();
	counts_of(heap, pool)->n_pools++;
	note_purged(heap, pool, (int64_t)pool_purged_bytes(pool));
	return pool;
}

/* How hard pool_with_room tries. */
enum effort {
	WHAT_IS_THERE,
	DRAINED, /* all that others have freed first */
	CREATED,
};

/* The current pool of CLASS, which has room; NULL if none has any. */
static struct pool *pool_with_room(struct heap *heap, uint32_t class,
				   enum effort effort)
{
	struct pool *pool = heap->current[class];
	if (pool != NULL && !pool_is_exhausted(pool))
		return pool;
	pool = fullest_pool(heap, class);
	if (pool == NULL && effort >= DRAINED) {
		heap_drain_locked(heap);
		pool = heap->current[class];
		if (pool != NULL && !pool_is_exhausted(pool))
			return pool;
		pool = fullest_pool(heap, class);
	}
	if (pool == NULL && effort == CREATED)
		pool = create_pool(heap, class);
	if (pool != NULL)
		make_current(heap, pool);
	return pool;
}

/* What was taken of POOL, which had so many free slots and purged bytes. */
static void note_taken(struct heap *heap, struct pool *pool, uint32_t n,
		       uint32_t n_free_before, size_t purged_before)
{
	uint32_t again =
		idle_by(n_free_before - pool->n_free, pool->block_bytes);
	counts_of(heap, pool)->n_in_use += n;
	growth_note_locked(heap, n, pool->block_bytes);
	if (pool->idle_bytes != 0 && again != 0)
		set_idle(heap, pool,
			 pool->idle_bytes > again ? pool->idle_bytes - again
						  : 0);
	if (purged_before == 0)
		return;
	size_t touched = purged_before - pool_purged_bytes(pool);
	note_purged(heap, pool, -(int64_t)touched);
	idle_note_touched_locked(&heap->idle, touched);
}

uint32_t heap_take_blocks_locked(struct heap *heap, uint32_t class, uint32_t n,
				 void **end, bool may_create)
{
	uint32_t taken = 0;
	struct pool *pool;
	enum effort effort = may_create ? CREATED : DRAINED;
	remote_drain_locked(heap, DRAIN_POOLS + n / 8, settle_drained);
	while (taken < n &&
	       (pool = pool_with_room(heap, class, effort)) != NULL) {
		uint32_t n_free = pool->n_free;
		size_t purged = pool->purged == 0 ? 0 : pool_purged_bytes(pool);
		uint32_t more = pool_take(pool, n - taken, end - taken);
		note_taken(heap, pool, more, n_free, purged);
		taken += more;
		effort = WHAT_IS_THERE;
	}
	return taken;
}

void *heap_take_zeroed_locked(struct heap *heap, uint32_t class, size_t *first,
			      size_t *stop, bool may_create)
{
	remote_drain_locked(heap, DRAIN_POOLS, settle_drained);
	struct pool *pool =
		pool_with_room(heap, class, may_create ? CREATED : DRAINED);
	if (pool == NULL)
		return NULL;
	uint32_t n_free = pool->n_free;
	size_t purged = pool_purged_bytes(pool);
	void *block = pool_take_zeroed(pool, first, stop);
	note_taken(heap, pool, 1, n_free, purged);
	return block;
}

/* The pool of a block that was this heap's, or is said to be; NULL if it is not
 * any more: then it has been freed before. */
static struct pool *pool_of(uintptr_t address)
{
	struct region *region = region_of(address);
	return region_descriptor(region, region_slice(region, address));
}

static struct pool *own_pool_of(const struct heap *heap, uintptr_t address)
{
	struct region *region = region_of(address);
	size_t slice = region_slice(region, address);
	uint32_t code = region_entry(region, slice) ^ heap->key;
	if (code >= class_code(N_CLASSES))
		return NULL;
	struct pool *pool = region_descriptor(region, slice);
	return load_relaxed(&pool->owner) == heap ? pool : NULL;
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
	if (pool != NULL && !large_is((uintptr_t)pool))
		__builtin_prefetch(&pool->bits[pool_slot(pool, address) / 64],
				   1);
}

static bool is_in(const struct pool *pool, uintptr_t address)
{
	return pool != NULL &&
	       address - pool->base < pool->n_slices * SLICE_BYTES;
}

static COLD void note_mistake(enum pool_put_result mistake,
			      const struct pool *pool, uintptr_t address,
			      uint32_t class)
{
	uintptr_t start = address;
	if (pool != NULL)
		start = pool_block(pool, pool_slot(pool, address));
	late_note(mistake, address, start, class_block_bytes(class));
}

void heap_put_blocks_locked(struct heap *heap, uint32_t class, void **blocks,
			    uint32_t n)
{
	struct pool *pool = NULL;
	uint32_t n_put = 0, n_all = 0;
	for (uint32_t i = 0; i < PREFETCH_BLOCKS; i++)
		prefetch_pool(blocks, n, i);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t address = (uintptr_t)blocks[i];
		if (!is_in(pool, address)) {
			if (pool != NULL)
				settle_freed(heap, pool, n_put);
			n_all += n_put;
			n_put = 0;
			pool = own_pool_of(heap, address);
			prefetch_pool(blocks, n, i + PREFETCH_BLOCKS);
			prefetch_bits(blocks, n, i + PREFETCH_BLOCKS / 2);
		}
		enum pool_put_result result = POOL_DOUBLE_FREE;
		if (LIKELY(pool != NULL))
			result = pool_put(pool, address);
		if (LIKELY(result == POOL_PUT))
			n_put++;
		else
			note_mistake(result, pool, address, class);
	}
	if (pool != NULL)
		settle_freed(heap, pool, n_put);
	note_freed(heap, class, n_all + n_put);
}

enum pool_put_result heap_put_one_locked(struct heap *heap, struct pool *pool,
					 uintptr_t address)
{
	heap_drain_locked(heap);
	if (own_pool_of(heap, address) != pool)
		return POOL_DOUBLE_FREE; /* what was drained was all of it */
	enum pool_put_result result = pool_put(pool, address);
	if (result == POOL_PUT)
		settle_drained(heap, pool, 1);
	return result;
}

bool heap_adopt_pool_locked(struct heap *heap, struct heap *from,
			    uint32_t class)
{
	struct pool *pool = used_pool(from, class);
	if (pool == NULL)
		return false;
	struct class_counts *theirs = counts_of(from, pool);
	struct class_counts *ours = counts_of(heap, pool);
	size_t purged = pool_purged_bytes(pool);
	uint32_t in_use = pool->n_carved - pool->n_free;
	leave_bin(from, pool);
	stop_cooling(from, pool);
	if (pool->is_current) {
		pool->is_current = false;
		from->current[class] = NULL;
	}
	theirs->n_pools--;
	theirs->n_in_use -= in_use;
	theirs->purged_bytes -= purged;
	ours->n_pools++;
	ours->n_in_use += in_use;
	ours->purged_bytes += purged;
	pool_change_owner(pool, heap, heap_id(heap));
	pool_seal(pool);
	make_current(heap, pool);
	settle_drained(heap, pool, remote_drain_pool_locked(pool));
	return true;
}

/* Nothing in it is to be purged for now. */
static void cool_down(struct heap *heap, struct pool *pool)
{
	stop_cooling(heap, pool);
	set_idle(heap, pool, 0);
}

void heap_discard_unused_locked(struct heap *heap)
{
	FOR_EACH_CLASS (class) {
		struct pool *pool = heap->current[class];
		if (pool != NULL && pool_is_unused(pool))
			discard_pool(heap, pool);
	}
}

/* How many runs of pages there are in a word of them. */
static uint32_t count_runs(uint64_t pages)
{
	return bits_count_word(pages & ~(pages << 1));
}

static void take_away(struct heap *heap, struct pool *pool, uint64_t pages,
		      struct heap_away *away)
{
	cool_down(heap, pool);
	leave_bin(heap, pool);
	if (pool->is_current)
		heap->current[pool->class] = NULL;
	pool->is_current = false;
	pool->is_away = true;
	away->pools[away->n] = pool;
	away->purged[away->n] = 0;
	away->pages[away->n++] = pages;
}

void heap_take_away_locked(struct heap *heap, bool all, size_t n_calls,
			   struct heap_away *away)
{
	uint64_t now = os_now_ms(), decay_ms = load_relaxed(&conf.decay_ms);
	struct pool *pool;
	away->n = 0;
	away->is_last = false;
	for (uint32_t n = 0; n < LOOKED_AT_MAX; n++) {
		pool = heap->cooling.first;
		away->is_last =
			pool == NULL ||
			(!all && now - pool->cooling_since_ms < decay_ms);
		if (away->is_last || away->n == HEAP_AWAY_MAX)
			return;
		if (pool_is_unused(pool) && discard_pool(heap, pool))
			continue;
		uint64_t pages = pool_purgeable(pool);
		size_t n_runs = count_runs(pages);
		if (pages == 0) {
			cool_down(heap, pool);
			continue;
		}
		if (away->n > 0 && n_runs > n_calls)
			return;
		n_calls -= min_size(n_runs, n_calls);
		take_away(heap, pool, pages, away);
	}
}

void heap_bring_back_locked(struct heap *heap, const struct heap_away *away)
{
	for (uint32_t i = 0; i < away->n; i++) {
		struct pool *pool = away->pools[i];
		size_t before = pool_purged_bytes(pool);
		pool->purged |= away->purged[i];
		note_purged(heap, pool,
			    (int64_t)(pool_purged_bytes(pool) - before));
		pool->is_away = false;
		settle(heap, pool);
	}
}

void heap_restore_pool_locked(struct heap *heap, struct pool *pool)
{
	pool->is_away = false;
	enter_bin(heap, pool, pool_bin(pool));
	/* So that it cools: nobody knows which of its pages were purged. */
	set_idle(heap, pool, pool->n_free * pool->block_bytes);
	start_cooling(heap, pool);
}

static void check_bin(const struct heap *heap, uint32_t class, uint8_t bin)
{
	const struct pool *pool = heap->bins[class][bin].first;
	for (; pool != NULL; pool = pool->links[POOL_LIST_BIN].next)
		if (pool->owner != heap || pool->class != class ||
		    pool->bin != bin || pool_bin(pool) != bin ||
		    pool->is_current || pool->is_away)
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
