/*
 * slice_bits: one word at a time.
 */
#include "heap/slice_bits.h"

#include "base/arith.h"

enum kind {
	FREE,
	NOT_FREE,
	NOT_HOLE,
	MAPPED,
	NOT_MAPPED,
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
	case NOT_HOLE:
		return ~group->hole;
	case MAPPED:
		return group->mapped;
	case NOT_MAPPED:
		return ~group->mapped;
	case START:
		return group->start;
	case START_OR_UNUSED:
		return group->start | group->free | ~group->mapped;
	}
	return 0;
}

/* The first slice of the kind at or after FROM and before TO; TO if none. */
static ALWAYS_INLINE size_t next_slice(const struct region *region, size_t from,
				       size_t to, enum kind kind)
{
	size_t g = from / GROUP_SLICES;
	if (from >= to)
		return to;
	uint64_t word = bits_of(&region->groups[g], kind);
	word &= ~UINT64_C(0) << (from % GROUP_SLICES);
	while (word == 0) {
		if (++g * GROUP_SLICES >= to)
			return to;
		word = bits_of(&region->groups[g], kind);
	}
	return min_size(g * GROUP_SLICES + (size_t)__builtin_ctzll(word), to);
}

static ALWAYS_INLINE bool next_run(const struct region *region, enum kind in,
				   enum kind out, size_t *at, size_t *stop)
{
	*at = next_slice(region, *at, region->end, in);
	if (*at >= region->end)
		return false;
	*stop = next_slice(region, *at, region->end, out);
	return true;
}

size_t slices_align(const struct region *region, size_t at, size_t align)
{
	if (align <= SLICE_BYTES)
		return at;
	uintptr_t address = round_up(slice_address(region, at), align);
	return region_slice(region, address);
}

size_t slices_count_free(const struct region *region, size_t at, size_t n)
{
	size_t to = min_size(at + n, region->end);
	return at < to ? next_slice(region, at, to, NOT_FREE) - at : 0;
}

size_t slices_count_holes(const struct region *region, size_t at, size_t n)
{
	size_t to = min_size(at + n, region->end);
	return at < to ? next_slice(region, at, to, NOT_HOLE) - at : 0;
}

size_t slices_count_free_at_end(const struct region *region, size_t n)
{
	size_t end = region->end, g = divide_up(end, GROUP_SLICES);
	size_t found = 0, above = g * GROUP_SLICES - end;
	while (g-- > 0 && found < n) {
		/* The last slice is the highest bit, others follow. */
		uint64_t used = ~(region->groups[g].free << above);
		size_t here = used == 0 ? 64 : (size_t)__builtin_clzll(used);
		found += here;
		if (here < GROUP_SLICES - above)
			break;
		above = 0;
	}
	return min_size(found, n);
}

bool slices_next_free(const struct region *region, size_t *at, size_t *stop)
{
	return next_run(region, FREE, NOT_FREE, at, stop);
}

bool slices_next_mapped(const struct region *region, size_t *at, size_t *stop)
{
	return next_run(region, MAPPED, NOT_MAPPED, at, stop);
}

size_t slices_next_start(const struct region *region, size_t at)
{
	return next_slice(region, at, region->end, START);
}

size_t slices_run_stop(const struct region *region, size_t at)
{
	return next_slice(region, at + 1, region->end, START_OR_UNUSED);
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
