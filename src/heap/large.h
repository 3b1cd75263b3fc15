/*
 * large: blocks too big for a pool, each a run of slices of its own.
 *
 * A large block is as long as its pages; the slices behind its last page are
 * never touched. It grows where it is if the next slices are free, else its
 * pages move by mremap. Of what is freed a little waits for the next block of
 * its size; the rest is cached, purged and reused by the arena, where pools can
 * use it too.
 */
#ifndef TARN_HEAP_LARGE_H
#define TARN_HEAP_LARGE_H

#include "base/attr.h"

struct large {
	/* Guarded by large_lock; who holds the block may read them. */
	uintptr_t base;
	uintptr_t old_base; /* while it is being moved */
	size_t n_slices;
	size_t usable_bytes;
	size_t requested_bytes;
	uint32_t site; /* for src/watch */
	struct large *next;
};

struct lock;
extern struct lock large_lock;

/*
 * A block of N bytes at a multiple of ALIGN (a power of two), all zero if
 * CLEARED. NULL if N is beyond reason or the OS refuses.
 */
void *large_alloc(size_t n, size_t align, bool cleared);

/* Frees the block. */
void large_free(struct large *large);

/* Gives back to the arena what waits for the next block of its size. */
void large_give_back_recent(void);

/*
 * Makes the block N bytes long without copying; returns where it is then, or
 * NULL if that cannot be done, and nothing was changed.
 */
void *large_resize(struct large *large, size_t n);

#endif
