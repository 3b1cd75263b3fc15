/*
 * region: choosing a base and laying out the arrays.
 *
 *	| guard | map | descriptors | groups | with free | with dirty | guard |
 *
 * Law: the arrays are writable for every slice below n_writable, which is at
 * least `end`.
 */
#include "meta/region.h"

#include "base/arith.h"
#include "os/memory.h"
#include "os/system.h"

#define REGION_BYTES_MIN ((size_t)128 << 30)
#define REGION_BYTES_SMALL ((size_t)256 << 20)
#define REGION_BYTES_MAX ((size_t)8 << 40)

#define BASE_ALIGN ((size_t)2 << 20)
#define BASE_TRIES_MAX 3

/* The arrays are made writable for so many slices at a time: 256 MiB. */
#define PIECE_SLICES 4096

struct region regions[REGIONS_MAX];
size_t n_regions;

/*
 * Four times what the machine has leaves room for holes. Under RLIMIT_AS the
 * arrays count as well, so the region is made to fit the limit.
 */
static size_t choose_bytes(size_t min_slices)
{
	size_t limit = os_address_space_limit();
	size_t bytes = max_size(REGION_BYTES_MIN, 4 * os_physical_bytes());
	if (limit < bytes / 4)
		bytes = max_size(REGION_BYTES_SMALL, 4 * limit);
	bytes = min_size(bytes, REGION_BYTES_MAX);
	bytes = max_size(bytes, 2 * min_slices << SLICE_SHIFT);
	return (size_t)1 << log2_ceil(bytes);
}

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
static uintptr_t choose_base(size_t bytes, unsigned attempt)
{
	static const unsigned char lower_bits[] = {42, 38, 36};
	unsigned bits =
		attempt == 0 ? address_bits() - 3 : lower_bits[attempt - 1];
	uintptr_t low = (uintptr_t)1 << bits;
	uintptr_t span = attempt == 0 ? 4 * low : low / 2;
	uintptr_t room = bytes < span ? span - bytes : 1;
	return round_down(low + os_random() % room, BASE_ALIGN);
}

bool region_lower_base_locked(struct region *region)
{
	ASSERT(region->end == 0);
	if (region->n_base_tries == BASE_TRIES_MAX)
		return false;
	region->base = choose_base(region->n_slices << SLICE_SHIFT,
				   ++region->n_base_tries);
	return true;
}

static size_t layout_arrays(struct region *region, uintptr_t at)
{
	size_t page = os_page_bytes(), n = region->n_slices;
	size_t n_groups = n / GROUP_SLICES;
	uintptr_t start = at;
	region->map = (uint32_t *)(at += page);
	at += round_up(n * sizeof(*region->map), page);
	region->descriptors = (void **)at;
	at += round_up(n * sizeof(*region->descriptors), page);
	region->sites = (uint32_t *)at;
	at += round_up(n * sizeof(*region->sites), page);
	region->groups = (struct slice_group *)at;
	at += round_up(n_groups * sizeof(*region->groups), page);
	region->groups_with_free = (uint64_t *)at;
	at += round_up(divide_up(n_groups, 8), page);
	region->groups_with_dirty = (uint64_t *)at;
	at += round_up(divide_up(n_groups, 8), page);
	return at + page - start;
}

/* The guard pages are worth having, but not worth failing for. */
static bool map_arrays(struct region *region)
{
	size_t page = os_page_bytes();
	size_t bytes = layout_arrays(region, 0);
	char *at = os_map_reserved(bytes);
	if (at == NULL)
		return false;
	layout_arrays(region, (uintptr_t)at);
	region->arrays = (uintptr_t)at;
	region->arrays_bytes = bytes;
	os_make_inaccessible(at, page);
	os_make_inaccessible(at + bytes - page, page);
	return true;
}

struct region *region_add_locked(size_t min_slices)
{
	size_t n = n_regions;
	if (n == REGIONS_MAX)
		return NULL;
	size_t bytes = choose_bytes(min_slices);
	struct region fresh = {.base = choose_base(bytes, 0),
			       .n_slices = bytes >> SLICE_SHIFT};
	if (!map_arrays(&fresh))
		return NULL;
	/*
	 * A thread may be in free(NULL) on the hit path, with any mix of old
	 * and new fields in its hands: the size comes last, so that whoever
	 * sees it sees a map.
	 */
	size_t n_slices = fresh.n_slices;
	fresh.n_slices = 0;
	fresh.n_slices_max = n_slices;
	regions[n] = fresh;
	store_release(&regions[n].n_slices, n_slices);
	store_release(&n_regions, n + 1);
	return &regions[n];
}

/* Makes elements FROM to TO of an array writable, by whole pages. */
static bool open_elements(void *array, size_t element_bytes, size_t from,
			  size_t to)
{
	size_t page = os_page_bytes();
	size_t start = round_down(from * element_bytes, page);
	size_t stop = round_up(to * element_bytes, page);
	return os_make_writable((char *)array + start, stop - start);
}

/* Both summaries, for the whole region: some KiB. */
static bool open_summaries(struct region *region)
{
	char *start = (char *)region->groups_with_free;
	uintptr_t end = region->arrays + region->arrays_bytes - os_page_bytes();
	return os_make_writable(start, end - (uintptr_t)start);
}

bool region_prepare_locked(struct region *region, size_t n)
{
	if (n <= region->n_writable)
		return true;
	size_t from = region->n_writable;
	size_t to = min_size(round_up(n, PIECE_SLICES), region->n_slices);
	if (!open_elements(region->map, sizeof(*region->map), from, to) ||
	    !open_elements(region->descriptors, sizeof(*region->descriptors),
			   from, to) ||
	    !open_elements(region->sites, sizeof(*region->sites), from, to) ||
	    !open_elements(region->groups, sizeof(*region->groups),
			   from / GROUP_SLICES, to / GROUP_SLICES) ||
	    (from == 0 && !open_summaries(region)))
		return false;
	region->n_writable = to;
	return true;
}

void region_visit_arrays_locked(void (*visit)(void *context, uintptr_t at,
					      size_t bytes),
				void *context)
{
	for (size_t i = 0; i < n_regions; i++)
		visit(context, regions[i].arrays, regions[i].arrays_bytes);
}
