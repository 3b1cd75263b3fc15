/*
 * large: blocks too big for a pool, each a run of slices of its own.
 *
 * A large block is as long as its pages; the slices behind its last page are
 * never touched. It has no descriptor: the page map says that it is there, and
 * the word that pools have for theirs says how many bytes were asked for, from
 * which all else follows.
 *
 *	CODE_LARGE	in use
 *	CODE_BUSY	in use, and being resized by the thread that made it so
 *	0		free; or freed, on its way to runs or the arena
 *
 * Who frees or resizes a block changes its entry by one atomic exchange, so
 * that of two who do so one is told of his mistake. No lock is held while the
 * kernel is asked to purge, move or unmap.
 */
#ifndef TARN_HEAP_LARGE_H
#define TARN_HEAP_LARGE_H

#include "base/arith.h"
#include "base/attr.h"
#include "meta/region.h"
#include "os/memory.h"

struct heap;
struct large_counts;

/*
 * A block of N bytes at a multiple of ALIGN (a power of two), all zero if
 * CLEARED, that HEAP counts. NULL if N is beyond reason or the OS refuses.
 */
void *large_alloc(struct heap *heap, size_t n, size_t align, bool cleared);

/* Frees the block at ADDRESS, which has so many BYTES of slices; false if
 * another call was first. */
bool large_free(struct heap *heap, uintptr_t address, size_t *bytes);

/*
 * Makes the block N bytes long without copying; returns where it is then, or
 * NULL if that cannot be done, and nothing was changed. *IS_MINE is false if
 * another call is at work on it, or has freed it.
 */
void *large_resize(struct heap *heap, uintptr_t address, size_t n,
		   bool *is_mine);

/* SIGN blocks more of which that is the descriptor. */
void large_count(struct large_counts *counts, uintptr_t descriptor, int sign);

/* In the descriptors, where the pointers of pools are even. */
static inline uintptr_t large_describe(size_t requested_bytes)
{
	return (uintptr_t)requested_bytes << 1 | 1;
}

/* True if the word is that of a large block, in use or freed. */
static inline bool large_is(uintptr_t descriptor)
{
	return descriptor & 1;
}

static inline size_t large_requested_bytes(uintptr_t descriptor)
{
	return descriptor >> 1;
}

static inline size_t large_usable_bytes(uintptr_t descriptor)
{
	return round_up(descriptor >> 1, os_page_bytes());
}

static inline size_t large_slices(uintptr_t descriptor)
{
	return divide_up(descriptor >> 1, SLICE_BYTES);
}

#endif
