/*
 * snapshot: which slots of the heap are live, and what a word points to.
 *
 * Every run in use gets a number, and every slot of it a bit: live, by the
 * metadata alone, are those that were carved and are neither free, nor freed by
 * another thread, nor in a magazine.
 *
 * Tracer only: the caller holds all locks of the heap, and no other thread of
 * the process runs (or the verdicts are uncertain).
 */
#ifndef TARN_TRACE_SNAPSHOT_H
#define TARN_TRACE_SNAPSHOT_H

#include "base/attr.h"
#include "meta/region.h"
#include "trace/work.h"

struct trace_run {
	uintptr_t base;
	uint64_t reciprocal; /* as in struct pool; 0: a large block */
	size_t block_bytes;
	uint32_t n_slots; /* carved */
	bool is_padded;	  /* no block is used up to its last byte */
	bool is_guarded;  /* some of its pages cannot be read */
	bool is_queued;
	uint64_t first_bit; /* of slot 0; a multiple of 64 */
	const uint32_t *sites;
};

struct trace_region {
	uintptr_t base;
	size_t n_slices;
	uint32_t *run_of_slice; /* 0: none */
};

struct snapshot {
	struct work *work;
	uintptr_t low;	   /* all regions lie in */
	uintptr_t n_bytes; /* [low, low + n_bytes) */
	struct trace_region regions[REGIONS_MAX];
	size_t n_regions;	/* at least 1, perhaps an empty one */
	struct trace_run *runs; /* from 1 */
	uint32_t n_runs;
	size_t n_words; /* of each bitmap */
	uint64_t *live;
	uint64_t n_live;
	uint64_t live_bytes;
};

/* Where a word points. */
struct place {
	struct trace_run *run;
	uint32_t slot;
	uint64_t bit;
	size_t inside; /* bytes from the start of the slot */
};

/* false if there was no memory for it. */
bool snapshot_take(struct snapshot *snapshot, struct work *work);

/* The slot that WORD points into; false if it is none's. */
static ALWAYS_INLINE bool snapshot_find(const struct snapshot *snapshot,
					uintptr_t word, struct place *place)
{
	const struct trace_region *region = &snapshot->regions[0];
	size_t slice = (word - region->base) >> SLICE_SHIFT;
	while (UNLIKELY(slice >= region->n_slices)) {
		if (++region == snapshot->regions + snapshot->n_regions)
			return false;
		slice = (word - region->base) >> SLICE_SHIFT;
	}
	uint32_t number = region->run_of_slice[slice];
	if (number == 0)
		return false;
	struct trace_run *run = &snapshot->runs[number];
	size_t offset = word - run->base;
	uint64_t slot = (offset * run->reciprocal) >> 40;
	place->run = run;
	place->slot = (uint32_t)slot;
	place->bit = run->first_bit + slot;
	place->inside = offset - slot * run->block_bytes;
	return slot < run->n_slots && place->inside < run->block_bytes;
}

/* The run that ADDRESS lies in, used or not; the rest of PLACE is undefined. */
static inline bool snapshot_find_run(const struct snapshot *snapshot,
				     uintptr_t address, struct place *place)
{
	place->run = NULL;
	(void)snapshot_find(snapshot, address, place);
	return place->run != NULL;
}

/*
 * The slot that ends where WORD points, which is the start of another or of
 * nothing; false if none does.
 */
bool snapshot_find_end(const struct snapshot *snapshot, uintptr_t word,
		       struct place *place);

static inline uintptr_t run_block(const struct trace_run *run, uint32_t slot)
{
	return run->base + slot * run->block_bytes;
}

/* The bits of RUN are in words [first / 64, first / 64 + this). */
static inline size_t run_words(const struct trace_run *run)
{
	return ((size_t)run->n_slots + 63) / 64;
}

#endif
