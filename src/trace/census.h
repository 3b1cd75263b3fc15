/*
 * census: what was live at a trace, kept until the next: a copy of its snapshot
 * in memory of its own, and sets of its blocks.
 *
 * Runs are found again by where they begin and how long their blocks are. So it
 * does not matter whether it is the same pool: one that was given back and made
 * again there has the same slots at the same addresses, whichever descriptor it
 * got, and a descriptor that serves another pool now says nothing here. What is
 * not found again has other slots; then all blocks of the old run are gone, and
 * all of the new one are new. A large block may have another length: it was
 * resized where it is, or is another.
 */
#ifndef TARN_TRACE_CENSUS_H
#define TARN_TRACE_CENSUS_H

#include "trace/snapshot.h"

struct census {
	struct work work;
	struct snapshot at; /* with the bits of `live`; no sites */
	uint64_t *lost;	    /* found lost, by this trace or one before */
};

/* Copies SNAPSHOT; the other sets are empty. false if there is no memory: then
 * CENSUS is empty. */
bool census_take(struct census *census, const struct snapshot *snapshot);
void census_end(struct census *census);

/* The run of SNAPSHOT with the same slots as RUN, which is another's, or that
 * is a large block at the same place; NULL if there is none. */
const struct trace_run *census_find(const struct snapshot *snapshot,
				    const struct trace_run *run);

/* The word W of the run's bits in SET, which has those of SNAPSHOT's runs. RUN
 * may be NULL, or shorter: then none are set. */
static inline uint64_t run_bits(const struct trace_run *run,
				const uint64_t *set, size_t w)
{
	return run == NULL || w >= run_words(run)
		       ? 0
		       : set[run->first_bit / 64 + w];
}

#endif
