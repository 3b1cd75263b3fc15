/*
 * snapshot: from pools, large blocks and magazines to runs and bits.
 */
#include "trace/snapshot.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/pool.h"
#include "heap/registry.h"
#include "watch/watch.h"

/* Counts what the arrays must have room for. */
struct count {
	uint32_t n_runs;
	size_t n_words;
};

static void count_run(void *context, struct region *region, size_t slice,
		      size_t n_slices)
{
	struct count *count = context;
	uint32_t entry = region_entry(region, slice);
	const struct pool *pool = region_descriptor(region, slice);
	(void)n_slices;
	if (!entry_is_pool(entry) && !entry_is_large(entry))
		return; /* free, or on its way */
	count->n_runs++;
	count->n_words +=
		entry_is_large(entry) ? 1 : bits_words(pool->n_carved);
}

static struct trace_region *region_in(struct snapshot *snapshot,
				      const struct region *region)
{
	return &snapshot->regions[region - regions];
}

static void add_pool(struct snapshot *snapshot, struct trace_run *run,
		     struct pool *pool)
{
	uint64_t *live = snapshot->live + run->first_bit / 64;
	const uint64_t *remote = pool_remote_bits(pool);
	*run = (struct trace_run){
		.base = pool->base,
		.reciprocal = pool->reciprocal,
		.block_bytes = pool->block_bytes,
		.n_slots = pool->n_carved,
		.is_padded = pool->has_sites && watch_mode == WATCH_ALL,
		.first_bit = run->first_bit,
		.sites = pool->has_sites ? pool->sites : NULL,
	};
	for (size_t w = 0; w < run_words(run); w++)
		live[w] = ~(pool->bits[w] | load_relaxed(&remote[w]));
	if (run->n_slots % 64 != 0)
		live[run_words(run) - 1] &= bits_low(run->n_slots % 64);
}

static void add_large(struct snapshot *snapshot, struct trace_run *run,
		      const struct region *region, size_t slice)
{
	uintptr_t descriptor = (uintptr_t)region_descriptor(region, slice);
	*run = (struct trace_run){
		.base = slice_address(region, slice),
		.block_bytes = large_usable_bytes(descriptor),
		.n_slots = 1,
		.first_bit = run->first_bit,
		.sites = &region->sites[slice],
	};
	snapshot->live[run->first_bit / 64] = 1;
}

static void add_run(void *context, struct region *region, size_t slice,
		    size_t n_slices)
{
	struct snapshot *snapshot = context;
	uint32_t entry = region_entry(region, slice);
	if (!entry_is_pool(entry) && !entry_is_large(entry))
		return;
	struct trace_run *run = &snapshot->runs[++snapshot->n_runs];
	run->first_bit = snapshot->n_words * 64;
	if (entry_is_large(entry))
		add_large(snapshot, run, region, slice);
	else
		add_pool(snapshot, run, region_descriptor(region, slice));
	snapshot->n_words += run_words(run);
	uint32_t *of_slice = region_in(snapshot, region)->run_of_slice;
	for (size_t i = 0; i < n_slices; i++)
		of_slice[slice + i] = snapshot->n_runs;
}

/*
 * Blocks in magazines are free. A magazine's top is the only thing about it
 * that its thread changes without the heap's lock.
 */
static void remove_magazine(struct snapshot *snapshot,
			    const struct magazine *magazine)
{
	uint32_t n;
	void **blocks = magazine_free_blocks(magazine, &n);
	struct place place;
	for (uint32_t i = 0; i < n; i++)
		if (snapshot_find(snapshot, (uintptr_t)blocks[i], &place))
			bits_clear(snapshot->live, place.bit);
}

static void remove_magazines(struct snapshot *snapshot)
{
	for (const struct heap *heap = registry_first(); heap != NULL;
	     heap = heap->next)
		FOR_EACH_CLASS (class)
			remove_magazine(snapshot, &heap->magazines[class]);
}

static bool take_regions(struct snapshot *snapshot)
{
	uintptr_t low = UINTPTR_MAX, high = 0;
	snapshot->n_regions = max_size(n_regions, 1);
	for (size_t i = 0; i < n_regions; i++) {
		struct trace_region *region = &snapshot->regions[i];
		region->base = regions[i].base;
		region->n_slices = regions[i].end;
		region->run_of_slice =
			work_take(snapshot->work, region->n_slices + 1,
				  sizeof(*region->run_of_slice));
		if (region->run_of_slice == NULL)
			return false;
		uintptr_t end = region->base + region->n_slices * SLICE_BYTES;
		low = region->base < low ? region->base : low;
		high = end > high ? end : high;
	}
	snapshot->low = low;
	snapshot->n_bytes = high > low ? high - low : 0;
	return true;
}

static void count_live(struct snapshot *snapshot)
{
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		size_t n = bits_count(snapshot->live + run->first_bit / 64,
				      run_words(run));
		snapshot->n_live += n;
		snapshot->live_bytes += n * run->block_bytes;
	}
}

bool snapshot_take(struct snapshot *snapshot, struct work *work)
{
	struct count count = {0};
	*snapshot = (struct snapshot){.work = work};
	arena_visit_locked(count_run, &count);
	if (!take_regions(snapshot))
		return false;
	snapshot->runs =
		work_take(work, count.n_runs + 1, sizeof(*snapshot->runs));
	snapshot->live =
		work_take(work, count.n_words + 1, sizeof(*snapshot->live));
	if (snapshot->runs == NULL || snapshot->live == NULL)
		return false;
	arena_visit_locked(add_run, snapshot);
	remove_magazines(snapshot);
	count_live(snapshot);
	return true;
}

bool snapshot_find_end(const struct snapshot *snapshot, uintptr_t word,
		       struct place *place)
{
	return snapshot_find(snapshot, word - 1, place) &&
	       place->inside == place->run->block_bytes - 1;
}
