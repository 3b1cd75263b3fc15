/*
 * runs: the runs of slices that a heap has at hand, for pools and large blocks.
 *
 *	length    1        2        ...       16
 *	cells     | | |x|x|x|       ...       from the first on; the last goes
 *
 * As a magazine is filled from pools, this is from the arena: many runs of one
 * length at a time, so that its lock is taken once in some dozens of
 * operations. For the arena and in the page map they are in use, with the code
 * CODE_CACHED.
 *
 * Locks: the heap's lock guards all of it.
 */
#ifndef TARN_HEAP_RUNS_H
#define TARN_HEAP_RUNS_H

#include "base/attr.h"
#include "meta/region.h"

#define RUNS_SLICES_MAX 16
#define RUNS_SLICES_MANY 8 /* up to here there are more cells */
#define RUNS_CELLS_MANY 64
#define RUNS_CELLS_FEW 16
#define RUNS_CELLS                                                             \
	(RUNS_SLICES_MANY * RUNS_CELLS_MANY +                                  \
	 (RUNS_SLICES_MAX - RUNS_SLICES_MANY) * RUNS_CELLS_FEW)

struct runs {
	uint8_t n[RUNS_SLICES_MAX + 1];	     /* how many of each length */
	uint8_t batch[RUNS_SLICES_MAX + 1];  /* so many came at once last */
	bool has_given[RUNS_SLICES_MAX + 1]; /* since then, to make room */
	size_t bytes;			     /* of all that are here */
	size_t used_bytes;		     /* of those with pages */
	uint64_t flow_bytes;  /* lately come to here: halved at each tick */
	uint64_t clock_bytes; /* all that was taken and given */
	uint64_t tick_at;     /* what it was at the last tick */
	uint64_t used_at[RUNS_SLICES_MAX + 1]; /* and at the last use */
	/* Addresses; the lowest bit says that there may be pages. */
	uintptr_t cells[RUNS_CELLS];
};

struct heap;

/*
 * A run of N_SLICES, at most RUNS_SLICES_MAX; *IS_CLEAN says that it reads as
 * zeros, with no pages. 0 if the OS refuses. The caller describes it.
 */
uintptr_t runs_take_locked(struct heap *heap, size_t n_slices, bool *is_clean);

/* Gives one back, which may have pages, or is clean. */
void runs_give_locked(struct heap *heap, uintptr_t base, size_t n_slices);
void runs_give_clean_locked(struct heap *heap, uintptr_t base, size_t n_slices);

/* Gives all to the arena; with IDLE_ONLY, which is a tick, the lengths of
 * which none was wanted since the last tick. */
void runs_empty_locked(struct heap *heap, bool idle_only);

/* How many slices are here, for heap_check(). */
size_t runs_count_slices(const struct runs *runs);

#endif
