/*
 * side: arrays that lie beside the regions: so many bytes for each slice, all
 * zero until something is written there.
 *
 * The memory is address space only until it is needed, in pieces, and comes
 * from the OS. Tracer only: the caller holds all locks of the heap.
 */
#ifndef TARN_TRACE_SIDE_H
#define TARN_TRACE_SIDE_H

#include "base/attr.h"
#include "meta/region.h"

struct side {
	size_t slice_bytes; /* fixed by the first side_open */
	struct side_part {
		char *at; /* NULL: not mapped yet */
		size_t bytes;
		size_t n_open; /* slices that may be written */
	} parts[REGIONS_MAX];
};

/* Makes room for every slice that has ever been mapped; false if the OS
 * refuses. */
bool side_open(struct side *side, size_t slice_bytes);

/* All zero again. */
void side_clear(struct side *side);

/* Gives the memory back. */
void side_end(struct side *side);

/* Calls VISIT with each mapping. */
void side_visit(const struct side *side,
		void (*visit)(void *context, uintptr_t at, size_t bytes),
		void *context);

/* The region that ADDRESS lies in, among those with room in SIDE for its slice;
 * REGIONS_MAX if there is none. */
static inline size_t side_region(const struct side *side, uintptr_t address)
{
	for (size_t i = 0; i < n_regions; i++)
		if (region_slice(&regions[i], address) < side->parts[i].n_open)
			return i;
	return REGIONS_MAX;
}

#endif
