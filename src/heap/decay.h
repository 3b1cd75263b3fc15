/*
 * decay: free memory goes back to the OS by time.
 *
 * tarn has no thread of its own: slow paths look at the clock in passing, and
 * whoever finds a tick due does a bounded piece of the work.
 */
#ifndef TARN_HEAP_DECAY_H
#define TARN_HEAP_DECAY_H

#include "base/attr.h"

struct heap;

/* To be called, without locks, at the end of a slow path. HEAP is the calling
 * thread's, or NULL. decay_poll_large is for that of a block of so many bytes
 * that no pool has. */
void decay_poll(struct heap *heap);
void decay_poll_large(struct heap *heap, size_t bytes);

/*
 * Gives back all that is free now: the calling thread's magazines, pools,
 * slices. Returns the bytes given back.
 */
size_t decay_purge_all(void);

/*
 * Makes room when the OS refuses a run of N_SLICES: as decay_purge_all(), and
 * unmaps slices, so that metadata too can use what a limit leaves.
 */
void decay_make_room(size_t n_slices, size_t align);

/* Totals since the start. */
extern uint64_t decay_purged_bytes;
extern uint64_t decay_purge_calls;

#endif
