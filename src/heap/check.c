/*
 * check: every law of the heap, walked under all locks.
 *
 * Per pool: carved == live + free + remote + in magazines, each slot in one
 * state only. To prove it each block in a magazine gets a bit in a shadow
 * bitmap; a bit that is set twice, or is free as well, is a block handed out
 * twice. Only magazines at rest are walked: the calling thread's and parked
 * heaps'.
 */
#include "heap/check.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/message.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "os/memory.h"

struct check {
	size_t n_looked_at;
};

static bool heap_is_at_rest(const struct heap *heap)
{
	return heap->is_parked || heap == heap_mine;
}

static bool heap_is_known(const struct heap *heap)
{
	for (const struct heap *h = registry_first_locked(); h != NULL;
	     h = h->next)
		if (h == heap)
			return true;
	return false;
}

static void check_pool_slices(const struct pool *pool,
			      const struct region *region, size_t slice,
			      size_t n_slices)
{
	uint32_t entry = entry_make(heap_id(pool->owner), pool->class);
	bool good = n_slices == pool->n_slices &&
		    pool->base == slice_address(region, slice);
	for (size_t i = 0; good && i < n_slices; i++)
		good = region_entry(region, slice + i) == entry &&
		       region_descriptor(region, slice + i) == pool;
	if (!good)
		message_abort("broken law: page map of the pool at %p",
			      (void *)pool->base);
}

static void check_large(const struct large *large, const struct region *region,
			size_t slice, size_t n_slices)
{
	if (large->base != slice_address(region, slice) ||
	    large->n_slices != n_slices ||
	    large->requested_bytes > large->usable_bytes ||
	    large->usable_bytes > n_slices * SLICE_BYTES)
		message_abort("broken law: large block at %p",
			      (void *)slice_address(region, slice));
}

static void check_run(void *context, struct region *region, size_t slice,
		      size_t n_slices)
{
	struct check *check = context;
	uint32_t entry = region_entry(region, slice);
	void *descriptor = region_descriptor(region, slice);
	if (entry == 0 || entry_is_between(entry))
		return; /* being purged just now, or a recent one of large.c */
	if (entry == CODE_LARGE) {
		check_large(descriptor, region, slice, n_slices);
		check->n_looked_at++;
		return;
	}
	struct pool *pool = descriptor;
	if (!heap_is_known(pool->owner) || pool->class >= N_CLASSES)
		message_abort("broken law: pool at %p has no owner",
			      (void *)slice_address(region, slice));
	check_pool_slices(pool, region, slice, n_slices);
	pool_check(pool);
	check->n_looked_at += pool->n_carved;
}

/*
 * A block in a magazine is in use for its pool: neither free nor remote, and in
 * no other magazine. The remote bitmap serves as the shadow: a bit is set for
 * each block and all are cleared again; a bit that is set already, by a freer
 * or by us, is the proof of a block in two places. Freers that run meanwhile
 * see and keep their own bits, and we clear only ours.
 */
static void mark_blocks(const struct heap *heap, uint32_t class, bool mark)
{
	uint32_t n = heap_magazine_count(heap, class);
	void **blocks = heap_magazine_blocks(heap, class);
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t address = (uintptr_t)blocks[i];
		struct region *region = region_of(address);
		size_t slice = region_slice(region, address);
		struct pool *pool = region_descriptor(region, slice);
		if (region_entry(region, slice) !=
		    entry_make(heap_id(heap), class))
			message_abort("broken law: block %p is in a magazine "
				      "that is not its pool's",
				      blocks[i]);
		uint32_t slot = pool_slot(pool, address);
		uint64_t *word = &pool_remote_bits(pool)[slot / 64];
		uint64_t bit = UINT64_C(1) << (slot % 64);
		if (!mark) {
			fetch_and_relaxed(word, ~bit);
			continue;
		}
		if (pool_examine(pool, address) != POOL_PUT ||
		    (fetch_or_seq_cst(word, bit) & bit) != 0)
			message_abort("broken law: block %p is free and in a "
				      "magazine, or in two",
				      blocks[i]);
	}
}

static void check_magazines(const struct heap *heap, bool mark)
{
	FOR_EACH_CLASS (class)
		if (heap->magazine_log[class] != 0)
			mark_blocks(heap, class, mark);
}

size_t heap_check(void)
{
	struct check check = {0};
	registry_lock_all();
	arena_check_locked();
	arena_visit_locked(check_run, &check);
	for (struct heap *heap = registry_first_locked(); heap != NULL;
	     heap = heap->next) {
		heap_check_lists_locked(heap);
		if (heap_is_at_rest(heap))
			check_magazines(heap, true);
	}
	for (struct heap *heap = registry_first_locked(); heap != NULL;
	     heap = heap->next)
		if (heap_is_at_rest(heap))
			check_magazines(heap, false);
	registry_unlock_all();
	return check.n_looked_at;
}
