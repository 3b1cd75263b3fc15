/*
 * slice_bits: one word at a time, with summaries and hints to skip the rest.
 *
 * Laws:  bit g of groups_with_free says whether group g has a free slice, of
 *        groups_with_dirty whether it has a free dirty one.
 *        No free run of 2^k or more slices starts below lowest_run[k].
 */
#include "heap/slice_bits.h"

#include "base/arith.h"
#include "base/message.h"

enum kind {
	FREE,
	NOT_FREE,
	HOLE,
	NOT_HOLE,
	CACHED,
	NOT_CACHED,
	AGED,
	NOT_AGED,
	START,
	START_OR_UNUSED,
};

static ALWAYS_INLINE uint64_t bits_of(const struct slice_group *group,
				      enum kind kind)
{
	switch (kind) {
	case FREE:
		return group->free;
	case NOT_FREE:
		return ~group->free;
	case HOLE:
		return ~group->mapped;
	case NOT_HOLE:
		return group->mapped;
	case CACHED:
		return group->free & group->dirty;
	case NOT_CACHED:
		return ~(group->free & group->dirty);
	case AGED:
		return group->aging;
	case NOT_AGED:
		return ~group->aging;
	case START:
		return group->start;
	case START_OR_UNUSED:
		return group->start | group->free | ~group->mapped;
	}
	return 0;
}

/* The first group at or after FROM that SUMMARY names; N if none. */
static size_t next_in_summary(const uint64_t *summary, size_t from, size_t n)
{
	for (size_t w = from / 64; w * 64 < n; w++) {
		uint64_t word = summary[w];
		if (w == from / 64)
			word &= ~UINT64_C(0) << (from % 64);
		if (word != 0)
			return w * 64 + (size_t)__builtin_ctzll(word);
	}
	return n;
}

/* The first slice at or after FROM of the kind; SUMMARY may be NULL. */
static ALWAYS_INLINE size_t next_slice(const struct region *region, size_t from,
				       enum kind kind, const uint64_t *summary)
{
	size_t n_groups = divide_up(region->end, GROUP_SLICES);
	size_t g = from / GROUP_SLICES;
	if (g >= n_groups)
		return region->end;
	uint64_t word = bits_of(&region->groups[g], kind);
	word &= ~UINT64_C(0) << (from % GROUP_SLICES);
	while (word == 0) {
		g++;
		if (summary != NULL)
			g = next_in_summary(summary, g, n_groups);
		if (g >= n_groups)
			return region->end;
		word = bits_of(&region->groups[g], kind);
	}
	return min_size(g * GROUP_SLICES + (size_t)__builtin_ctzll(word),
			region->end);
}

static ALWAYS_INLINE bool next_run(const struct region *region, enum kind in,
				   enum kind out, const uint64_t *summary,
				   size_t *at, size_t *stop)
{
	*at = next_slice(region, *at, in, summary);
	if (*at >= region->end)
		return false;
	*stop = next_slice(region, *at, out, NULL);
	return true;
}

size_t slices_align(const struct region *region, size_t at, size_t align)
{
	if (align <= SLICE_BYTES)
		return at;
	uintptr_t address = round_up(slice_address(region, at), align);
	return region_slice(region, address);
}

bool slices_next_free(const struct region *region, size_t *at, size_t *stop)
{
	return next_run(region, FREE, NOT_FREE, region->groups_with_free, at,
			stop);
}

bool slices_next_hole(const struct region *region, size_t *at, size_t *stop)
{
	return next_run(region, HOLE, NOT_HOLE, NULL, at, stop);
}

bool slices_next_mapped(const struct region *region, size_t *at, size_t *stop)
{
	return next_run(region, NOT_HOLE, HOLE, NULL, at, stop);
}

bool slices_next_purgeable(const struct region *region, bool all, size_t *at,
			   size_t *stop)
{
	const uint64_t *summary = region->groups_with_dirty;
	if (all)
		return next_run(region, CACHED, NOT_CACHED, summary, at, stop);
	return next_run(region, AGED, NOT_AGED, summary, at, stop);
}

size_t slices_next_start(const struct region *region, size_t at)
{
	return next_slice(region, at, START, NULL);
}

size_t slices_run_stop(const struct region *region, size_t at)
{
	return next_slice(region, at + 1, START_OR_UNUSED, NULL);
}

/* A free run long enough, wherever its pages are. */
static size_t find_run(struct region *region, size_t n, size_t align)
{
	size_t at = region->lowest_run[log2_floor(n)], stop;
	size_t found = region->n_slices;
	while (slices_next_free(region, &at, &stop)) {
		size_t start = slices_align(region, at, align);
		if (start + n <= stop) {
			found = start;
			break;
		}
		at = stop;
	}
	/* Every run passed over was shorter than N (or badly aligned). */
	size_t *hint = &region->lowest_run[log2_ceil(n)];
	if (align <= SLICE_BYTES && *hint < at)
		*hint = at;
	return found;
}

size_t slices_find_free(struct region *region, size_t n, size_t align)
{
	if (n == 1 && align <= SLICE_BYTES) {
		size_t cached = next_slice(region, 0, CACHED,
					   region->groups_with_dirty);
		if (cached < region->end)
			return cached;
	}
	return find_run(region, n, align);
}

/* The start of the free run that the free slice AT belongs to. */
static size_t free_run_start(const struct region *region, size_t at)
{
	size_t g = at / GROUP_SLICES;
	uint64_t used = ~region->groups[g].free & bits_low(at % GROUP_SLICES);
	while (used == 0 && g > 0)
		used = ~region->groups[--g].free;
	if (used == 0)
		return 0;
	return g * GROUP_SLICES + log2_floor(used) + 1;
}

void slices_note_free_run(struct region *region, size_t at, size_t n)
{
	size_t start = free_run_start(region, at);
	size_t stop = next_slice(region, at + n - 1, NOT_FREE, NULL);
	for (unsigned k = 0; k <= log2_floor(stop - start); k++)
		if (region->lowest_run[k] > start)
			region->lowest_run[k] = start;
}

bool slices_are_free(const struct region *region, size_t at, size_t n)
{
	return at + n <= region->end &&
	       next_slice(region, at, NOT_FREE, NULL) >= at + n;
}

bool slices_are_used(const struct region *region, size_t at)
{
	if (at >= region->end)
		return false;
	const struct slice_group *group = &region->groups[at / GROUP_SLICES];
	return (group->mapped & ~group->free) >> (at % GROUP_SLICES) & 1;
}

size_t slices_run_start(const struct region *region, size_t at)
{
	size_t g = at / GROUP_SLICES;
	uint64_t starts =
		region->groups[g].start & bits_mask(0, at % GROUP_SLICES);
	while (starts == 0 && g > 0)
		starts = region->groups[--g].start;
	return g * GROUP_SLICES + (starts == 0 ? 0 : log2_floor(starts));
}

void slices_age(struct region *region)
{
	size_t n_groups = divide_up(region->end, GROUP_SLICES), g = 0;
	while ((g = next_in_summary(region->groups_with_dirty, g, n_groups)) <
	       n_groups) {
		struct slice_group *group = &region->groups[g];
		group->aging = group->free & group->dirty;
		g++;
	}
}

static void check_group(const struct region *region, size_t g)
{
	const struct slice_group *group = &region->groups[g];
	uint64_t subset =
		(group->free | group->dirty | group->start) & ~group->mapped;
	uint64_t aging = group->aging & ~(group->free & group->dirty);
	bool with_free = bits_test(region->groups_with_free, g);
	bool with_dirty = bits_test(region->groups_with_dirty, g);
	if (subset != 0 || aging != 0 || (group->start & group->free) != 0 ||
	    with_free != (group->free != 0) ||
	    with_dirty != ((group->free & group->dirty) != 0))
		message_abort("broken law: bits of the slices from %p",
			      (void *)slice_address(region, g * GROUP_SLICES));
}

void slices_check(const struct region *region, struct slice_counts *sum)
{
	size_t at = 0, stop, n_mapped = 0;
	for (size_t g = 0; g * GROUP_SLICES < region->end; g++) {
		const struct slice_group *group = &region->groups[g];
		check_group(region, g);
		n_mapped += bits_count_word(group->mapped);
		sum->n_cached += bits_count_word(group->free & group->dirty);
	}
	sum->n_mapped += n_mapped;
	sum->n_holes += region->end - n_mapped;
	for (; slices_next_free(region, &at, &stop); at = stop) {
		sum->n_free += stop - at;
		if (region->lowest_run[log2_floor(stop - at)] > at)
			message_abort("broken law: hint passes over %zu free "
				      "slices at %p",
				      stop - at,
				      (void *)slice_address(region, at));
	}
}
