/*
 * slice_bits: searching and checking the bits of a region's slices.
 *
 * Pure bookkeeping, no calls to the OS; the caller holds arena_lock. A position
 * is a slice number; a search that finds nothing returns region->end or more.
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

/* Brings the summaries up to date after the bits of group G have changed. */
static inline void slices_summarise(struct region *region, size_t g)
{
	const struct slice_group *group = &region->groups[g];
	uint64_t *with_free = &region->groups_with_free[g / 64];
	uint64_t *with_dirty = &region->groups_with_dirty[g / 64];
	uint64_t bit = UINT64_C(1) << (g % 64);
	*with_free = group->free != 0 ? *with_free | bit : *with_free & ~bit;
	*with_dirty = (group->free & group->dirty) != 0 ? *with_dirty | bit
							: *with_dirty & ~bit;
}

/* The slice at or after AT whose address is a multiple of ALIGN. */
size_t slices_align(const struct region *region, size_t at, size_t align);

/*
 * The lowest free run of N slices at a multiple of ALIGN; for one slice, one
 * with pages behind it if there is any. n_slices if there is none.
 */
size_t slices_find_free(struct region *region, size_t n, size_t align);

/* N slices from AT have become free: searches must look there again. */
void slices_note_free_run(struct region *region, size_t at, size_t n);

bool slices_are_free(const struct region *region, size_t at, size_t n);

/*
 * The next run at or after *AT of slices that are free, mapped, holes, or free
 * with pages to purge (old enough ones, or with ALL any): sets *AT and *STOP,
 * false if none.
 */
bool slices_next_free(const struct region *region, size_t *at, size_t *stop);
bool slices_next_mapped(const struct region *region, size_t *at, size_t *stop);
bool slices_next_hole(const struct region *region, size_t *at, size_t *stop);
bool slices_next_purgeable(const struct region *region, bool all, size_t *at,
			   size_t *stop);

/* True if the slice is part of a run in use; and where that run starts. */
bool slices_are_used(const struct region *region, size_t at);
size_t slices_run_start(const struct region *region, size_t at);

/*
 * The first run in use at or after AT; and where the run that starts at AT
 * ends.
 */
size_t slices_next_start(const struct region *region, size_t at);
size_t slices_run_stop(const struct region *region, size_t at);

/* What is free and dirty now becomes old enough to be purged. */
void slices_age(struct region *region);

struct slice_counts {
	size_t n_mapped;
	size_t n_free;
	size_t n_cached;
	size_t n_holes;
};

/* Adds the region's slices to *SUM; aborts on a broken law. */
void slices_check(const struct region *region, struct slice_counts *sum);

#endif
