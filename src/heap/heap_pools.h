/*
 * heap_pools: what a heap does with its pools. All but heap_put_one want the
 * heap locked.
 *
 * A class's pools with room wait in bins by how full they are; the current one
 * is in no bin. The fullest is taken first, so that the emptiest get a chance
 * to become wholly free. A pool that got blocks back cools: after the decay the
 * pages in it that no block uses are purged.
 */
#ifndef TARN_HEAP_HEAP_POOLS_H
#define TARN_HEAP_HEAP_POOLS_H

#include "heap/heap.h"

/* Up to N blocks of CLASS, as pool_take writes them; at least one unless the OS
 * refuses. */
uint32_t heap_take_blocks_locked(struct heap *heap, uint32_t class, uint32_t n,
				 void **end);

/* Gives N blocks from the heap's magazines back to the bitmaps. Aborts on a
 * mistake: it is too late to say who made it. */
void heap_put_blocks_locked(struct heap *heap, void **blocks, uint32_t n);

/* Gives one block of the heap's own pool back to its bitmap, under the lock. */
enum pool_put_result heap_put_one(struct heap *heap, struct pool *pool,
				  uintptr_t address);

/* Drains remote frees into the bitmaps. */
void heap_drain_locked(struct heap *heap);

/*
 * Purges pools that have been cooling long enough (with ALL, every pool that
 * cools), about LIMIT bytes at most. True if none are left.
 */
bool heap_purge_locked(struct heap *heap, bool all, size_t limit,
		       size_t *purged);

/*
 * Lets HEAP have one of FROM's pools of CLASS, the fullest that has room. Both
 * are locked, and FROM's magazines are empty; false if there is none.
 */
bool heap_adopt_pool_locked(struct heap *heap, struct heap *from,
			    uint32_t class);

/* Proves the laws of the lists. */
void heap_check_lists_locked(const struct heap *heap);

#endif
