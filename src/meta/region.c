/*
 * region: choosing places, and letting the arrays grow.
 *
 * The arrays lie in one range of addresses, as far from the blocks as chance
 * will have it:
 *
 *	| map -> ... gap | descriptors -> ... gap | sites -> ... gap | groups ->
 *
 * Only their beginnings are mapped, as far as the region has grown; nothing
 * keeps the rest free but its remoteness.
 *
 * Law:   no two regions, nor the arrays of any, have an address in common.
 *        Each array is mapped for n_slices, which is at least `end`.
 */
#include "meta/region.h"

#include "base/arith.h"
#include "os/memory.h"
#include "os/system.h"

#define REGION_BYTES_MIN ((size_t)128 << 30)
#define REGION_BYTES_SMALL ((size_t)256 << 20)
#define REGION_BYTES_MAX ((size_t)8 << 40)

#define PLACE_ALIGN ((size_t)2 << 20)
#define PLACE_TRIES_MAX 32
#define BASE_TRIES_MAX 3

/* From one random number to the next: the golden ratio, which leaves no part of
 * the range out for long. */
#define RANDOM_STEP UINT64_C(0x9e3779b97f4a7c15)

/* Between two arrays, so that the end of one is never the start of another. */
#define ARRAY_GAP ((size_t)64 << 10)

enum { MAP, DESCRIPTORS, SITES, GROUPS, N_ARRAYS };
static const unsigned char slice_bytes[N_ARRAYS] = {
	[MAP] = sizeof(uint32_t),
	[DESCRIPTORS] = sizeof(void *),
	[SITES] = sizeof(uint32_t),
	[GROUPS] = sizeof(struct slice_group) / GROUP_SLICES,
};

struct region regions[REGIONS_MAX];
size_t n_regions;

/* So many slices fill whole pages of each array. */
static size_t unit_slices(void)
{
	return os_page_bytes() / slice_bytes[GROUPS];
}

/*
 * Four times what the machine has leaves room for holes. A tracer's arrays
 * beside a region are as long as it, so under RLIMIT_AS it is made to fit.
 */
static size_t choose_bytes(size_t min_slices)
{
	size_t limit = os_address_space_limit();
	size_t bytes = max_size(REGION_BYTES_MIN, 4 * os_physical_bytes());
	if (limit < bytes / 4)
		bytes = max_size(REGION_BYTES_SMALL, 4 * limit);
	bytes = min_size(bytes, REGION_BYTES_MAX);
	bytes = max_size(bytes, 2 * min_slices << SLICE_SHIFT);
	bytes = max_size(bytes, unit_slices() << SLICE_SHIFT);
	return (size_t)1 << log2_ceil(bytes);
}

/* --- places --------------------------------------------------------------- */

/* Addresses to choose from. */
struct span {
	uintptr_t low;
	size_t bytes;
};

/*
 * How many bits addresses of this process have: the stack lies near their end.
 */
static unsigned address_bits(void)
{
	return log2_floor((uintptr_t)__builtin_frame_address(0)) + 1;
}

/*
 * From an eighth of the addresses up, for half of them (16 TiB to 80 TiB where
 * there are 47 bits), neither programs nor the kernel's own choices nor the
 * shadows of sanitizers lie. Should something be there, arenas pass it over.
 * The later tries, lower down, are for whoever refuses such addresses: an
 * emulator, a sanitizer.
 */
static struct span span_of_attempt(unsigned attempt)
{
	static const unsigned char lower_bits[BASE_TRIES_MAX] = {42, 38, 36};
	if (attempt == 0) {
		uintptr_t low = (uintptr_t)1 << (address_bits() - 3);
		return (struct span){low, 4 * low};
	}
	uintptr_t low = (uintptr_t)1 << lower_bits[attempt - 1];
	return (struct span){low, low};
}

static bool is_apart(uintptr_t at, size_t bytes, uintptr_t other,
		     size_t other_bytes)
{
	return at + bytes <= other || other + other_bytes <= at;
}

static size_t address_bytes(const struct region *region)
{
	return region->n_slices_max << SLICE_SHIFT;
}

static bool is_vacant(uintptr_t at, size_t bytes)
{
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		const struct region *other = &regions[i];
		if (!is_apart(at, bytes, other->base, address_bytes(other)) ||
		    !is_apart(at, bytes, other->arrays, other->arrays_bytes))
			return false;
	}
	return true;
}

static bool fits(struct span span, uintptr_t at, size_t bytes)
{
	return at >= span.low && at + bytes <= span.low + span.bytes &&
	       is_vacant(at, bytes);
}

/*
 * A random place for BYTES in SPAN that no region has; behind one of those that
 * have one, where chance finds none. 0 if there is none.
 */
static uintptr_t choose_place(struct span span, size_t bytes)
{
	bytes = round_up(bytes, PLACE_ALIGN);
	if (bytes > span.bytes)
		return 0;
	size_t room = span.bytes - bytes;
	uint64_t random = os_random();
	for (int i = 0; i < PLACE_TRIES_MAX; i++, random += RANDOM_STEP) {
		uintptr_t at = span.low + random % (room + 1);
		at = round_down(at, PLACE_ALIGN);
		if (fits(span, at, bytes))
			return at;
	}
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		const struct region *other = &regions[i];
		uintptr_t behind = other->base + address_bytes(other);
		uintptr_t arrays = other->arrays + other->arrays_bytes;
		if (fits(span, round_up(behind, PLACE_ALIGN), bytes))
			return round_up(behind, PLACE_ALIGN);
		if (fits(span, round_up(arrays, PLACE_ALIGN), bytes))
			return round_up(arrays, PLACE_ALIGN);
	}
	return 0;
}

/* Of the arrays of a region of N slices. */
static size_t layout_arrays(struct region *region, uintptr_t start, size_t n)
{
	uintptr_t at[N_ARRAYS], next = start;
	for (int i = 0; i < N_ARRAYS; i++) {
		at[i] = next;
		next += n * slice_bytes[i] + ARRAY_GAP;
	}
	region->map = (uint32_t *)at[MAP];
	region->descriptors = (void **)at[DESCRIPTORS];
	region->sites = (uint32_t *)at[SITES];
	region->groups = (struct slice_group *)at[GROUPS];
	return next - start;
}

/*
 * Finds places for N slices and their arrays. Where that fails, the region is
 * empty: no slice is mapped in it, so nobody looks.
 */
static bool place_region(struct region *region, size_t n)
{
	struct span span = span_of_attempt(region->n_base_tries);
	region->n_slices_max = 0;
	region->arrays_bytes = 0;
	if (n > span.bytes >> SLICE_SHIFT)
		return false;
	uintptr_t base = choose_place(span, n << SLICE_SHIFT);
	if (base == 0)
		return false;
	region->base = base;
	region->n_slices_max = n;
	size_t bytes = layout_arrays(region, 0, n);
	region->arrays = choose_place(span, bytes);
	if (region->arrays == 0) {
		region->n_slices_max = 0;
		return false;
	}
	region->arrays_bytes = layout_arrays(region, region->arrays, n);
	return true;
}

bool region_lower_base_locked(struct region *region)
{
	size_t n = region->n_slices_max;
	ASSERT(region->end == 0);
	while (region->n_base_tries < BASE_TRIES_MAX) {
		region->n_base_tries++;
		if (place_region(region, n))
			return true;
	}
	return false;
}

struct region *region_add_locked(size_t min_slices)
{
	size_t n = n_regions;
	if (n > 0 && regions[n - 1].end == 0)
		n--;
	if (n == REGIONS_MAX || min_slices > SIZE_MAX / 4 >> SLICE_SHIFT)
		return NULL;
	struct region *region = &regions[n];
	size_t least = round_up(min_slices, unit_slices());
	region->n_base_tries = n > 0 ? regions[0].n_base_tries : 0;
	/* Where addresses are few (an emulator's), a smaller one will do. */
	size_t n_slices = choose_bytes(min_slices) >> SLICE_SHIFT;
	while (!place_region(region, n_slices)) {
		if (n_slices == least)
			return NULL;
		n_slices = max_size(n_slices / 2, least);
	}
	store_release(&n_regions, n + 1);
	return region;
}

/* --- arrays --------------------------------------------------------------- */

static uintptr_t array_at(const struct region *region, int array, size_t slice)
{
	const void *starts[N_ARRAYS] = {
		[MAP] = region->map,
		[DESCRIPTORS] = region->descriptors,
		[SITES] = region->sites,
		[GROUPS] = region->groups,
	};
	return (uintptr_t)starts[array] + slice * slice_bytes[array];
}

static bool extend_arrays(struct region *region, size_t to)
{
	size_t from = region->n_slices, more = to - from;
	for (int i = 0; i < N_ARRAYS; i++) {
		enum os_map_result result = os_map_at(array_at(region, i, from),
						      more * slice_bytes[i]);
		if (result == OS_MAPPED)
			continue;
		if (result == OS_TAKEN)
			region->n_slices_max = from;
		while (i-- > 0)
			os_unmap_own(array_at(region, i, from),
				     more * slice_bytes[i]);
		return false;
	}
	/* A thread may be in free(NULL) on the hit path, with any mix of old
	 * and new fields in its hands: the size comes last, so that whoever
	 * sees it sees a map. */
	store_release(&region->n_slices, to);
	return true;
}

bool region_prepare_locked(struct region *region, size_t n)
{
	size_t now = region->n_slices;
	if (n <= now)
		return true;
	size_t to = round_up(n, unit_slices());
	return to <= region->n_slices_max && extend_arrays(region, to);
}

void region_visit_arrays_locked(void (*visit)(void *context, uintptr_t at,
					      size_t bytes),
				void *context)
{
	for (size_t i = 0; i < n_regions; i++)
		for (int a = 0; a < N_ARRAYS && regions[i].n_slices > 0; a++)
			visit(context, array_at(&regions[i], a, 0),
			      regions[i].n_slices * slice_bytes[a]);
}
