/*
 * slice_state: what a slice is, and how many are.
 *
 * The states of a slice, by its bits:
 *
 *	mapped free dirty hole
 *	  0     0    0     0    lost: beyond `end`, or somebody else's
 *	  0     0    0     1    a hole: not mapped now, but may be
 *	  1     1    0     0    free and clean: reads as zeros, has no page
 *	  1     1    1     0    free and cached: has pages, purged some time
 *	  1     0    .     0    in use; `dirty` tells what it was when taken
 *
 * Pure bookkeeping, no calls to the OS; the caller holds arena_lock.
 */
#ifndef TARN_HEAP_SLICE_STATE_H
#define TARN_HEAP_SLICE_STATE_H

#include "base/attr.h"
#include "meta/region.h"

enum slice_state {
	SLICES_USED,
	SLICES_CLEAN,
	SLICES_CACHED,
	SLICES_HOLES,
	SLICES_LOST,
};

/* Of all regions. Atomic, relaxed, for those who read without the lock. */
struct slice_totals {
	size_t n_mapped;
	size_t n_free;
	size_t n_cached;
	size_t n_holes;
	size_t n_moved_runs; /* mappings that came by mremap */
};
extern struct slice_totals slice_totals;

/* Moves region->end up to END; what lies between is lost. */
void slices_move_end(struct region *region, size_t end);

/* Makes N slices from AT one and the same. They are no run's start. */
void slices_change(struct region *region, size_t at, size_t n,
		   enum slice_state to);

/* Makes them runs in use, of LENGTH slices each. */
void slices_take_runs(struct region *region, size_t at, size_t n,
		      size_t length);

/* Makes them one run in use. */
static inline void slices_take(struct region *region, size_t at, size_t n)
{
	slices_take_runs(region, at, n, n);
}

/* The N slices from AT came by mremap, as one mapping; or are mapped anew. */
void slices_set_moved(struct region *region, size_t at, size_t n);
void slices_clear_moved(struct region *region, size_t at, size_t n);

/* What is cached now is old enough to be purged after the next tick. */
void slices_tick(void);

/*
 * The first slice at or after AT that is cached, or with AGED was at the last
 * tick; and how many of the N from there are, in a row. False if there is none.
 */
bool slices_next_cached(const struct region *region, bool aged, size_t *at,
			size_t *n);

/* Proves the laws of all regions; aborts on a broken one. */
void slices_check(void);

#endif
