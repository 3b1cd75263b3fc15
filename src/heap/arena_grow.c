/*
 * arena_grow: which size, which place, and when to take no for an answer.
 *
 * An arena is a quarter of what there is, up to 64 MiB, or what is asked for:
 * a program that will lock its memory may have little to lock. Where that is
 * refused, exactly what is needed is tried, and no third size: so a request
 * that fails costs two calls, and while the refusal is young, one. That one is
 * always made: only the kernel knows what the program has unmapped meanwhile.
 *
 * In a process that locks its memory (mlockall) an arena is no larger than
 * needed, since all of it is resident and counts.
 */
#include "heap/arena_grow.h"

#include "base/arith.h"
#include "heap/slice_bits.h"
#include "heap/slice_state.h"
#include "heap/slice_tree.h"
#include "os/memory.h"
#include "os/system.h"

#define ARENA_SLICES_MAX 1024 /* 64 MiB */
#define ARENA_SLICES_MIN 4    /* 256 KiB */
#define ARENAS_PART 4

/* So long nothing larger than what is needed is tried after a refusal. */
#define REFUSAL_MS 100

/* Guarded by arena_lock. */
static size_t n_arenas;
static bool is_locked; /* mlockall, when last looked at */
static struct {
	size_t n_slices; /* the smallest refused; 0: none */
	uint64_t end_ms;
} refusal;

static void note_refusal(size_t n)
{
	uint64_t now = os_now_ms();
	if (refusal.n_slices == 0 || now >= refusal.end_ms ||
	    n < refusal.n_slices)
		refusal.n_slices = n;
	refusal.end_ms = now + REFUSAL_MS;
}

static bool was_refused(size_t n)
{
	return refusal.n_slices != 0 && n >= refusal.n_slices &&
	       os_now_ms() < refusal.end_ms;
}

/* How many slices to map where NEED are needed and ROOM is there. */
static size_t choose_slices(const struct region *region, size_t need,
			    size_t room)
{
	size_t part = min_size(region->end / ARENAS_PART, ARENA_SLICES_MAX);
	size_t more = is_locked ? need : max_size(need, part);
	size_t want = min_size(round_up(more, ARENA_SLICES_MIN), room);
	return want > need && was_refused(want) ? need : want;
}

static enum os_map_result map(struct region *region, size_t at, size_t n)
{
	enum os_map_result result =
		os_map_at(slice_address(region, at), n << SLICE_SHIFT);
	if (result != OS_MAPPED || region_prepare_locked(region, at + n))
		return result;
	os_unmap_own(slice_address(region, at), n << SLICE_SHIFT);
	return OS_REFUSED;
}

/* Unmaps what a process with locked memory does not need; returns the rest. */
static size_t trim_locked(const struct region *region, size_t at, size_t need,
			  size_t n)
{
	uintptr_t end = slice_address(region, at + n);
	is_locked = os_is_locked(end - os_page_bytes());
	size_t keep = min_size(round_up(need, ARENA_SLICES_MIN), n);
	if (!is_locked || keep == n)
		return n;
	size_t rest = (n - keep) << SLICE_SHIFT;
	return os_unmap_own(end - rest, rest) ? keep : n;
}

static void enter_slices(struct region *region, size_t at, size_t n)
{
	size_t end = region->end;
	if (at + n > end) {
		slices_move_end(region, at + n);
		if (at > end)
			slices_change(region, end, at - end, SLICES_HOLES);
	}
	slices_change(region, at, n, SLICES_CLEAN);
	n_arenas++;
}

/*
 * Maps *N slices at AT, or if that is refused the NEED that are needed, which
 * are lost so far or holes. Sets *N to how many were tried last.
 */
static enum os_map_result map_arena(struct region *region, size_t at,
				    size_t need, size_t *n)
{
	enum os_map_result result = map(region, at, *n);
	if (result == OS_REFUSED) {
		note_refusal(*n);
		if (*n == need)
			return result;
		*n = need;
		result = map(region, at, need);
		if (result == OS_REFUSED)
			note_refusal(need);
	}
	if (result == OS_MAPPED)
		enter_slices(region, at, trim_locked(region, at, need, *n));
	return result;
}

/* --- places --------------------------------------------------------------- */

enum growth { GREW, NO_ROOM, REFUSED };

/* The lowest aligned place for N slices in a hole; `end` if there is none. */
static size_t find_hole(const struct region *region, size_t n, size_t align)
{
	size_t at = slice_tree_find(region, SLICES_HOLE, n);
	if (at == region->end || slices_align(region, at, align) == at)
		return at;
	at = slice_tree_find(region, SLICES_HOLE, n + align / SLICE_BYTES - 1);
	return at == region->end ? at : slices_align(region, at, align);
}

/* Holes in which somebody else has mapped something are lost. */
static enum growth grow_in_hole(struct region *region, size_t n, size_t align,
				size_t *at)
{
	while (region->end > 0) {
		*at = find_hole(region, n, align);
		if (*at == region->end)
			break;
		size_t room = slices_count_holes(region, *at,
						 max_size(n, ARENA_SLICES_MAX));
		size_t tried = choose_slices(region, n, room);
		switch (map_arena(region, *at, n, &tried)) {
		case OS_MAPPED:
			return GREW;
		case OS_REFUSED:
			return REFUSED;
		case OS_TAKEN:
			slices_change(region, *at, tried, SLICES_LOST);
		}
	}
	return NO_ROOM;
}

/*
 * True if REGION, before anything is mapped in any, has another place now,
 * because it is the place that the OS refuses and not the size.
 */
static bool try_lower(struct region *region, size_t n)
{
	if (region->end != 0 || regions[0].end != 0)
		return false;
	void *elsewhere = os_map(n << SLICE_SHIFT);
	if (elsewhere == NULL)
		return false;
	os_unmap_own((uintptr_t)elsewhere, n << SLICE_SHIFT);
	return region_lower_base_locked(region);
}

/* Where N aligned slices can lie that reach beyond the end. */
struct place {
	size_t start;
	size_t at;   /* at or behind the end */
	size_t need; /* so many there; those from START to AT are free */
};

static struct place find_end(const struct region *region, size_t n,
			     size_t align)
{
	size_t end = region->end;
	size_t start = slices_align(
		region, end - slices_count_free_at_end(region, n - 1), align);
	if (start >= end)
		return (struct place){start, start, n};
	return (struct place){start, end, start + n - end};
}

/*
 * Maps an arena at the region's end. What is in the way there is passed over,
 * by steps that double, so that nothing is too long.
 */
static enum growth grow_at_end(struct region *region, size_t n, size_t align,
			       size_t *at)
{
	size_t step = 0;
	for (;;) {
		struct place place = find_end(region, n, align);
		if (place.at + place.need > region->n_slices_max)
			return NO_ROOM;
		size_t room = region->n_slices_max - place.at;
		size_t tried = choose_slices(region, place.need, room);
		switch (map_arena(region, place.at, place.need, &tried)) {
		case OS_MAPPED:
			*at = place.start;
			return GREW;
		case OS_REFUSED:
			/* Arrays that met something, or addresses that
			 * nothing can be mapped at. */
			if (place.at + place.need > region->n_slices_max ||
			    try_lower(region, place.need))
				continue;
			return REFUSED;
		case OS_TAKEN:
			step = min_size(max_size(2 * step, tried), room);
			if (!region_prepare_locked(region, place.at + step))
				return NO_ROOM;
			slices_move_end(region, place.at + step);
		}
	}
}

bool arena_grow_locked(size_t n, size_t align, struct region **region,
		       size_t *at)
{
	enum growth growth = NO_ROOM;
	for (size_t i = 0; i < n_regions && growth == NO_ROOM; i++) {
		*region = &regions[i];
		growth = grow_in_hole(*region, n, align, at);
		if (growth == NO_ROOM)
			growth = grow_at_end(*region, n, align, at);
	}
	for (size_t i = 0; i < REGIONS_MAX && growth == NO_ROOM; i++) {
		*region = region_add_locked(n + align / SLICE_BYTES);
		if (*region == NULL)
			return false;
		growth = grow_at_end(*region, n, align, at);
	}
	return growth == GREW;
}

bool arena_grow_end_locked(struct region *region, size_t n)
{
	size_t at = region->end;
	if (at + n > region->n_slices_max)
		return false;
	size_t tried = choose_slices(region, n, region->n_slices_max - at);
	return map_arena(region, at, n, &tried) == OS_MAPPED;
}

/* --- runs that move ------------------------------------------------------- */

bool arena_take_unmapped_locked(size_t n, struct region **region, size_t *at)
{
	for (size_t i = 0; i < n_regions; i++) {
		*region = &regions[i];
		*at = regions[i].end;
		if (*at + n > regions[i].n_slices_max ||
		    !os_is_vacant(slice_address(*region, *at),
				  n << SLICE_SHIFT) ||
		    !region_prepare_locked(*region, *at + n))
			continue;
		slices_move_end(*region, *at + n);
		slices_take(*region, *at, n);
		return true;
	}
	return false;
}

void arena_map_anew_locked(struct region *region, size_t at, size_t n)
{
	static const enum slice_state becomes[] = {
		[OS_MAPPED] = SLICES_CLEAN,
		[OS_TAKEN] = SLICES_LOST,
		[OS_REFUSED] = SLICES_HOLES,
	};
	slices_clear_moved(region, at, n);
	enum os_map_result result =
		os_map_at(slice_address(region, at), n << SLICE_SHIFT);
	slices_change(region, at, n, becomes[result]);
}

void arena_restore_locked(struct region *region, size_t at, size_t n)
{
	if (os_is_mapped(slice_address(region, at)))
		slices_change(region, at, n, SLICES_CACHED);
	else
		arena_map_anew_locked(region, at, n);
}

size_t arena_grow_count_locked(void)
{
	return n_arenas;
}
