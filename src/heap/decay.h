/*
 * decay: free memory goes back to the OS: what is too much at once, the rest by
 * time.
 *
 * tarn has no thread of its own: slow paths poll in passing, at their end,
 * without a lock, and whoever finds something due does a bounded piece of the
 * work. Words: blocks are *given back* to pools and runs to the arena; pages
 * are *purged*, that is given to the OS while the addresses stay; free slices
 * are *unmapped* where a limit counts addresses.
 */
#ifndef TARN_HEAP_DECAY_H
#define TARN_HEAP_DECAY_H

#include "base/attr.h"

struct heap;

/* Looks whether something is due. HEAP is the calling thread's own. */
void decay_poll(struct heap *heap);

/* A large block of so many bytes was taken or freed: whether to poll. */
void decay_note_large(struct heap *heap, size_t bytes);

/* What is too much goes at once; for a thread at its end. */
void decay_poll_at_end(void);

/*
 * Gives back all that is free now, of all threads: magazines, pools, slices.
 * Returns the bytes purged.
 */
size_t decay_purge_all(void);

/* In the child of a fork: another thread may have been at a sweep. */
void decay_restore_after_fork(void);

/*
 * When the OS has refused BYTES: whether anything can help; to give back what
 * all threads have at hand; to unmap what is free. After one of the last two
 * that returns true it is worth asking again.
 */
bool decay_could_help(size_t bytes, size_t align);
bool decay_gather(void);
bool decay_unmap(size_t bytes, size_t align);

#endif
