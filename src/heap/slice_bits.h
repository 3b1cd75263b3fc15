/*
 * slice_bits: walking over the bits of a region's slices.
 *
 * A walk costs what it walks over; where runs are is known by the tree above
 * (heap/slice_tree.h). The caller holds arena_lock. A position is a slice
 * number; a search that finds nothing returns region->end or more.
 */
#ifndef TARN_HEAP_SLICE_BITS_H
#define TARN_HEAP_SLICE_BITS_H

#include "base/attr.h"
#include "base/bits.h"
#include "meta/region.h"

/* The part of a run of slices that lies in one group: walks a run by groups. */
struct span {
	size_t group;
	uint64_t mask;
	size_t n;    /* slices from this part to the end of the run; 0: done */
	size_t here; /* slices in this part */
};

static inline struct span span_at(size_t at, size_t n)
{
	size_t room = GROUP_SLICES - at % GROUP_SLICES;
	size_t here = n < room ? n : room;
	return (struct span){
		.group = at / GROUP_SLICES,
		.mask = bits_low((unsigned)here) << (at % GROUP_SLICES),
		.n = n,
		.here = here,
	};
}

static inline struct span span_first(size_t at, size_t n)
{
	return span_at(at, n);
}

static inline struct span span_next(struct span s)
{
	return span_at((s.group + 1) * GROUP_SLICES, s.n - s.here);
}

/* The slice at or after AT whose address is a multiple of ALIGN. */
size_t slices_align(const struct region *region, size_t at, size_t align);

/* How many of the N slices from AT are of a kind, in a row. */
size_t slices_count_free(const struct region *region, size_t at, size_t n);
size_t slices_count_holes(const struct region *region, size_t at, size_t n);

/* How many of the N slices before the end are free, in a row. */
size_t slices_count_free_at_end(const struct region *region, size_t n);

/*
 * The next run at or after *AT of slices that are free, or mapped: sets *AT and
 * *STOP, false if none.
 */
bool slices_next_free(const struct region *region, size_t *at, size_t *stop);
bool slices_next_mapped(const struct region *region, size_t *at, size_t *stop);

/* True if the slice is part of a run in use; and where that run starts. */
bool slices_are_used(const struct region *region, size_t at);
size_t slices_run_start(const struct region *region, size_t at);

/*
 * The first run in use at or after AT; and where the run that starts at AT
 * ends.
 */
size_t slices_next_start(const struct region *region, size_t at);
size_t slices_run_stop(const struct region *region, size_t at);

#endif
