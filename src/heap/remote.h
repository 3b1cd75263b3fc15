/*
 * remote: freeing another thread's block.
 *
 * The freer sets the block's bit in the pool's remote bitmap with one atomic
 * OR; the first to do so also flags the pool: links it into its owner's list.
 * The owner takes the whole list at once, and for each pool, now or later,
 * clears the flag and then takes the bits.
 *
 *	freer: set bit;  if flag was 0: flag = 1, push      (bit before flag)
 *	owner: flag = 0; take bits                          (flag before bits)
 *
 * Both sides write one word and then read the other, so the operations are
 * seq_cst: either the owner sees the bit, or the freer sees the cleared flag
 * and flags the pool again. Three races remain, all harmless:
 *
 * - The owner drains a pool between a freer's bit and its flag. The pool is
 *   then listed with nothing in it.
 * - The pool, now wholly free, is given back in that gap, and its descriptor
 *   may serve another pool by the time it is flagged. Descriptors are never
 *   unmapped and the list is linked through fields that outlive the pool, so
 *   whoever drains it finds a pool of its own, one of another heap's (which it
 *   flags there if there is anything in it), or one without an owner (which it
 *   passes over).
 * - The owner changes in that gap. The old owner drains the list, finds that
 *   the pool is not its own and flags it to the new one.
 */
#ifndef TARN_HEAP_REMOTE_H
#define TARN_HEAP_REMOTE_H

#include "heap/heap.h"
#include "heap/pool.h"

/* Frees the block at ADDRESS in a pool of another heap. Any thread. */
enum pool_put_result remote_free(struct pool *pool, uintptr_t address);

/*
 * Takes the pools flagged to HEAP, LIMIT at most, and calls SETTLE with each
 * that is HEAP's, after its remote bits have become free bits. What is left of
 * a list keeps its flags and comes first the next time. The heap is locked.
 */
void remote_drain_locked(struct heap *heap, uint32_t limit,
			 void (*settle)(struct heap *heap, struct pool *pool));

/* Makes remote bits free bits. The owner's lock is held. */
void remote_drain_pool_locked(struct pool *pool);

/* How many remote bits are set now. */
uint32_t remote_count(struct pool *pool);

/*
 * After a fork, in the child: no other thread runs, and what they were doing to
 * flags and lists is forgotten. Flags the pool anew if it has remote bits.
 */
void remote_restore_after_fork(struct pool *pool);

#endif
