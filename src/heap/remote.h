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
 *
 * What is left of a list keeps its flags, so such a pool must stay its owner's
 * until it has been drained: it is not given back while it is flagged. Else its
 * descriptor would serve another heap with a flag that keeps everybody from
 * listing it there.
 *
 * An owner may be parked, and drain nothing: then the first to flag a pool to
 * it puts the heap itself on a stack (heap/parking.h), where who looks for
 * pools to adopt finds it. Both sides again write one word and read the
 * other's:
 *
 *	freer:  push on the heap's list;  if it is parked: put it on the stack
 *	parker: is parked = true;         if it has a list: put it on the stack
 */
#ifndef TARN_HEAP_REMOTE_H
#define TARN_HEAP_REMOTE_H

#include "heap/heap.h"
#include "heap/pool.h"

/* Frees the block at ADDRESS in a pool of another heap. Any thread. */
enum pool_put_result remote_free(struct pool *pool, uintptr_t address);

/*
 * Takes the pools flagged to HEAP, LIMIT at most, and calls SETTLE with each
 * that is HEAP's, after its remote bits have become N more free bits. What is
 * left of a list keeps its flags and comes first the next time. The heap is
 * locked.
 */
typedef void remote_settler(struct heap *heap, struct pool *pool, uint32_t n);
void remote_drain_locked(struct heap *heap, uint32_t limit,
			 remote_settler *settle);

/* Makes remote bits free bits; how many. The owner's lock is held. */
uint32_t remote_drain_pool_locked(struct pool *pool);

/*
 * Takes POOL, which is unused, from its owner, who is locked; false if it is
 * flagged, and has to stay until it has been drained. A freer that comes with
 * its flag too late either is seen here, or sees that there is no owner.
 */
bool remote_disown(struct pool *pool);

/* Blocks of the pools that HEAP has listed that others have freed; a pool is in
 * one list, maybe of a heap that it was adopted from. All heaps are locked, so
 * that nobody takes what is listed. */
void remote_count_locked(const struct heap *heap,
			 void (*count)(void *context, const struct pool *pool,
				       uint32_t n),
			 void *context);

/* How many remote bits are set now. */
uint32_t remote_count(struct pool *pool);

/* True if others have freed blocks of its pools. Atomic, relaxed. */
static inline bool remote_has_any(const struct heap *heap)
{
	return load_relaxed(&heap->flagged) != NULL;
}

/*
 * The stack of parked heaps to which pools are flagged: pushed to by any
 * thread, taken whole, linked by next_flagged. Who takes a heap off clears its
 * is_flagged before he drains it.
 */
void remote_push_parked(struct heap *heap);
struct heap *remote_take_parked(void);
bool remote_has_parked(void);

/*
 * After a fork, in the child: no other thread runs, and what they were doing to
 * flags and lists is forgotten. Flags the pool anew if it has remote bits.
 */
void remote_restore_after_fork(struct pool *pool);
void remote_forget_parked_after_fork(void);

#endif
