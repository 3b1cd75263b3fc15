/*
 * census: copying, and finding runs again.
 */
#include "trace/census.h"

#include <string.h>

#include "base/arith.h"

static bool copy_region(struct census *census,
			const struct trace_region *region)
{
	struct trace_region *to = &census->at.regions[census->at.n_regions++];
	size_t bytes = sizeof(*region->run_of_slice);
	*to = *region;
	to->run_of_slice =
		work_take(&census->work, region->n_slices + 1, bytes);
	if (to->run_of_slice == NULL)
		return false;
	if (region->n_slices > 0)
		memcpy(to->run_of_slice, region->run_of_slice,
		       region->n_slices * bytes);
	return true;
}

static bool copy_all(struct census *census, const struct snapshot *snapshot)
{
	struct snapshot *to = &census->at;
	struct work *work = &census->work;
	size_t n = snapshot->n_words;
	*to = *snapshot;
	to->n_regions = 0;
	for (size_t i = 0; i < snapshot->n_regions; i++)
		if (!copy_region(census, &snapshot->regions[i]))
			return false;
	to->work = NULL;
	to->runs = work_take(work, snapshot->n_runs + 1, sizeof(*to->runs));
	to->live = work_take(work, n + 1, sizeof(uint64_t));
	census->lost = work_take(work, n + 1, sizeof(uint64_t));
	if (work->has_failed)
		return false;
	memcpy(to->runs, snapshot->runs,
	       (snapshot->n_runs + 1) * sizeof(*to->runs));
	memcpy(to->live, snapshot->live, n * sizeof(uint64_t));
	for (uint32_t i = 1; i <= to->n_runs; i++)
		to->runs[i].sites = NULL;
	return true;
}

bool census_take(struct census *census, const struct snapshot *snapshot)
{
	*census = (struct census){0};
	if (copy_all(census, snapshot))
		return true;
	census_end(census);
	return false;
}

void census_end(struct census *census)
{
	work_end(&census->work);
	*census = (struct census){0};
}

const struct trace_run *census_find(const struct snapshot *snapshot,
				    const struct trace_run *run)
{
	struct place place;
	if (snapshot->n_runs == 0 ||
	    !snapshot_find_run(snapshot, run->base, &place) ||
	    place.run->base != run->base ||
	    place.run->reciprocal != run->reciprocal)
		return NULL;
	return place.run;
}
