/*
 * heap_pools: what a heap does with its pools. The heap is locked.
 *
 * A class's pools with room wait in bins by how full they are; the current one
 * is in no bin. The fullest is taken first, so that the emptiest get a chance
 * to become wholly free. A pool that got blocks back cools: after the decay the
 * pages in it that no block uses are purged.
 */
#ifndef TARN_HEAP_HEAP_POOLS_H
#define TARN_HEAP_HEAP_POOLS_H

#include "heap/heap.h"

/*
 * Up to N blocks of CLASS from the heap's pools, as pool_take writes them; 0 if
 * none has room. With MAY_CREATE a new one is made then, unless the OS refuses.
 */
uint32_t heap_take_blocks_locked(struct heap *heap, uint32_t class, uint32_t n,
				 void **end, bool may_create);

/* One block that is to be zero: see pool_take_zeroed(). */
void *heap_take_zeroed_locked(struct heap *heap, uint32_t class, size_t *first,
			      size_t *stop, bool may_create);

/* Gives N blocks of CLASS that are free again back to the bitmaps. A mistake
 * among them is left out, and told later (heap/late.h). */
void heap_put_blocks_locked(struct heap *heap, uint32_t class, void **blocks,
			    uint32_t n);

/* Gives one block of the heap's own pool back. */
enum pool_put_result heap_put_one_locked(struct heap *heap, struct pool *pool,
					 uintptr_t address);

/* Gives back also the current pools that are unused. */
void heap_discard_unused_locked(struct heap *heap);

/* Drains remote frees into the bitmaps. */
void heap_drain_locked(struct heap *heap);

/*
 * Lets HEAP have one of FROM's pools of CLASS, the fullest that has slots which
 * were used. Both are locked, FROM's magazine of the class is empty; false if
 * there is none.
 */
bool heap_adopt_pool_locked(struct heap *heap, struct heap *from,
			    uint32_t class);

/* True if a pool of CLASS has slots that were used and are free. */
bool heap_has_room_locked(const struct heap *heap, uint32_t class);

/*
 * Purging takes three steps, so that no lock is held while the kernel works:
 *
 *	1. locked: pools that have cooled long enough (with ALL, any that cool)
 *	   go away: they are on no list, so that nobody takes slots of them,
 *	   though blocks may come back
 *	2. no lock: their free pages are given to the OS
 *	3. locked: they come back
 *
 * In the child of a fork, pools that another thread had taken away come back
 * with what they have; one that is unused by now is not given back at once, for
 * the child still holds all locks.
 */
#define HEAP_AWAY_MAX 16

struct heap_away {
	struct pool *pools[HEAP_AWAY_MAX];
	uint64_t pages[HEAP_AWAY_MAX];	/* to be purged: see pool_purgeable() */
	uint64_t purged[HEAP_AWAY_MAX]; /* of those, what was */
	uint32_t n;
	bool is_last; /* no more are to be had */
};

/* Steps 1 and 3: as many pools as CALLS of the second step do, or one. */
void heap_take_away_locked(struct heap *heap, bool all, size_t n_calls,
			   struct heap_away *away);
void heap_bring_back_locked(struct heap *heap, const struct heap_away *away);

/* In the child of a fork; POOL is away. */
void heap_restore_pool_locked(struct heap *heap, struct pool *pool);

/* Proves the laws of the lists. */
void heap_check_lists_locked(const struct heap *heap);

#endif
