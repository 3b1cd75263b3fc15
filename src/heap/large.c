/*
 * large: taking, freeing, zeroing, resizing.
 */
#include "heap/large.h"

#include <string.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "heap/arena.h"
#include "heap/growth.h"
#include "heap/heap.h"
#include "heap/purge.h"

/*
 * From here on pages that are not zero are given back rather than cleared:
 * who asks for so much zeroed memory seldom touches all of it.
 */
#define PURGE_INSTEAD_OF_CLEAR ((size_t)32 << 20)

/*
 * Smaller blocks are rather copied than moved: a move splits a mapping, and the
 * new place has no pages that could have been used again.
 */
#define MOVE_BYTES_MIN ((size_t)1 << 20)

/* A block as large as this that is freed when more is idle than may be loses
 * its pages at once; smaller ones in batches (heap/decay.c). */
#define PURGE_BYTES_MIN ((size_t)1 << 20)

#define SAMPLED_PAGES 8

/* Where a block's entry and descriptor are. */
struct place {
	struct region *region;
	size_t slice;
};

static struct place place_of(uintptr_t address)
{
	struct region *region = region_of(address);
	return (struct place){region, region_slice(region, address)};
}

static uintptr_t descriptor_at(struct place place)
{
	return (uintptr_t)region_descriptor(place.region, place.slice);
}

static void describe(struct place place, uint32_t entry, size_t n)
{
	region_describe(place.region, place.slice, entry,
			(void *)large_describe(n));
}

/* Where nothing is noted, nothing is written. */
static void set_site(struct place place, uint32_t site)
{
	uint32_t *word = &place.region->sites[place.slice];
	if (load_relaxed(word) != site)
		store_relaxed(word, site);
}

/* From one entry to another; false if it was not the one. */
static bool change_entry(struct place place, uint32_t from, uint32_t to)
{
	uint32_t *entry = &place.region->map[place.slice];
	if (!PROCESS_IS_SINGLE_THREADED)
		return cas_acquire(entry, &from, to);
	if (load_relaxed(entry) != from)
		return false;
	store_relaxed(entry, to);
	return true;
}

static ALWAYS_INLINE void add(struct large_counts *counts, uintptr_t descriptor,
			      int sign)
{
	counts->n_blocks += sign;
	counts->requested_bytes +=
		sign * (int64_t)large_requested_bytes(descriptor);
	counts->usable_bytes += sign * (int64_t)large_usable_bytes(descriptor);
	counts->n_slices += sign * (int64_t)large_slices(descriptor);
}

void large_count(struct large_counts *counts, uintptr_t descriptor, int sign)
{
	add(counts, descriptor, sign);
}

static ALWAYS_INLINE void count_locked(struct heap *heap, uintptr_t descriptor,
				       int sign)
{
	add(&heap->large, descriptor, sign);
	growth_note_locked(heap, sign, large_usable_bytes(descriptor));
}

/* What of a run has no pages yet is about to get them. */
static void note_touched(uintptr_t base, size_t n_slices)
{
	if (UNLIKELY(idle_is_learning()))
		idle_note_touched(arena_count_clean((void *)base, n_slices) *
				  SLICE_BYTES);
}

static uintptr_t take_run_locked(struct heap *heap, size_t n_slices,
				 size_t align, bool *is_clean)
{
	if (n_slices <= RUNS_SLICES_MAX && align <= SLICE_BYTES)
		return runs_take_locked(heap, n_slices, is_clean);
	void *base = arena_take(n_slices, align);
	*is_clean = base != NULL && arena_is_clean(base, n_slices);
	if (base != NULL)
		note_touched((uintptr_t)base, n_slices);
	return (uintptr_t)base;
}

/* All that the caller may use of a block of N bytes. */
static void clear(void *base, size_t n)
{
	size_t bytes = round_up(n, os_page_bytes());
	if (bytes <= RUNS_SLICES_MAX * SLICE_BYTES)
		memset(base, 0, bytes);
	else if (bytes < PURGE_INSTEAD_OF_CLEAR || !purge_may_be_loud() ||
		 !purge_pages((uintptr_t)base, bytes))
		arena_clear(base, bytes);
}

void *large_alloc(struct heap *heap, size_t n, size_t align, bool cleared)
{
	if (n > PTRDIFF_MAX)
		return NULL;
	if (n == 0)
		n = 1;
	bool is_clean;
	lock_acquire(&heap->lock);
	uintptr_t base = take_run_locked(heap, divide_up(n, SLICE_BYTES), align,
					 &is_clean);
	if (base != 0)
		count_locked(heap, large_describe(n), 1);
	lock_release(&heap->lock);
	if (base == 0)
		return NULL;
	struct place place = place_of(base);
	set_site(place, 0);
	describe(place, CODE_LARGE, n);
	if (cleared && !is_clean)
		clear((void *)base, n);
	return (void *)base;
}

static void give_moved(uintptr_t base, size_t n_slices)
{
	purge_begin_loud();
	arena_give_moved((void *)base, n_slices);
	purge_end_loud();
}

/* About how much of it is in memory: some pages are looked at. */
static size_t touched_bytes(uintptr_t base, size_t bytes)
{
	size_t page = os_page_bytes(), resident = 0;
	for (size_t i = 0; i < SAMPLED_PAGES; i++)
		resident += os_resident_bytes(
			base + round_down(bytes / SAMPLED_PAGES * i, page),
			page);
	return bytes / (SAMPLED_PAGES * page) * resident;
}

/* A run that is too long to be kept at hand, or not to be. */
static void give_to_arena(uintptr_t base, size_t n_slices, bool is_excess)
{
	size_t bytes = n_slices * SLICE_BYTES;
	struct run run = {base, n_slices};
	if (arena_is_moved((void *)base, n_slices)) {
		give_moved(base, n_slices);
		return;
	}
	size_t touched = is_excess ? touched_bytes(base, bytes) : 0;
	bool purged = is_excess && purge_pages(base, bytes);
	arena_give_some(&run, 1, !purged);
	if (purged)
		idle_note_purged(touched);
}

bool large_free(struct heap *heap, uintptr_t address, size_t *bytes)
{
	struct place place = place_of(address);
	if (!change_entry(place, CODE_LARGE, 0))
		return false;
	uintptr_t descriptor = descriptor_at(place);
	size_t n_slices = large_slices(descriptor);
	*bytes = n_slices * SLICE_BYTES;
	bool is_excess =
		*bytes >= PURGE_BYTES_MIN && idle_excess_bytes(*bytes) > 0;
	bool at_hand = n_slices <= RUNS_SLICES_MAX && !is_excess &&
		       !arena_is_moved((void *)address, n_slices);
	lock_acquire(&heap->lock);
	count_locked(heap, descriptor, -1);
	idle_note_freed_locked(&heap->idle, *bytes);
	if (at_hand)
		runs_give_locked(heap, address, n_slices);
	lock_release(&heap->lock);
	if (!at_hand)
		give_to_arena(address, n_slices, is_excess);
	return true;
}

/* Gives back what lies behind N bytes; the pages at once. */
static void shrink(uintptr_t address, uintptr_t old, uintptr_t new)
{
	uintptr_t end = address + large_slices(old) * SLICE_BYTES;
	uintptr_t tail = address + large_usable_bytes(new);
	struct run rest = {address + large_slices(new) * SLICE_BYTES,
			   large_slices(old) - large_slices(new)};
	bool purged = tail == end || purge_pages(tail, end - tail);
	if (rest.n_slices == 0)
		return;
	if (arena_is_moved((void *)rest.base, rest.n_slices))
		give_moved(rest.base, rest.n_slices);
	else
		arena_give_some(&rest, 1, !purged);
}

/* The new place is a block as well before the pages get there: who stops this
 * thread meanwhile must find them in one. */
struct moving {
	uintptr_t target;
	size_t n;
	uint32_t site;
};

static void describe_target(void *context, void *target)
{
	struct moving *moving = context;
	if (target == NULL) { /* it comes to nothing */
		describe(place_of(moving->target), 0, 0);
		return;
	}
	moving->target = (uintptr_t)target;
	struct place place = place_of(moving->target);
	set_site(place, moving->site);
	describe(place, CODE_BUSY, moving->n);
}

/*
 * What lies behind has an entry unless it is free, or on its way; it may be a
 * run that this heap has at hand.
 */
static bool extend(struct heap *heap, uintptr_t address, size_t n_slices,
		   size_t more)
{
	struct place next = place_of(address);
	next.slice += n_slices;
	/* No lock is held: another thread may make the arrays longer. */
	bool has_entry = next.slice < load_acquire(&next.region->n_slices);
	uint32_t entry = has_entry ? region_entry(next.region, next.slice) : 0;
	if (entry == (heap->key | CODE_CACHED)) {
		lock_acquire(&heap->lock);
		runs_empty_locked(heap, false);
		lock_release(&heap->lock);
	} else if (entry != 0) {
		return false;
	}
	return arena_extend((void *)address, n_slices, more);
}

static uintptr_t grow(struct heap *heap, uintptr_t address, uintptr_t old,
		      size_t n)
{
	struct place place = place_of(address);
	struct moving moving = {
		.n = n,
		.site = load_relaxed(&place.region->sites[place.slice])};
	size_t n_slices = large_slices(old);
	size_t n_new = divide_up(n, SLICE_BYTES);
	if (n_new <= n_slices)
		return address;
	if (extend(heap, address, n_slices, n_new - n_slices))
		return address;
	if (large_usable_bytes(old) < MOVE_BYTES_MIN)
		return 0;
	purge_begin_loud();
	void *to = arena_move((void *)address, n_slices, n_new, describe_target,
			      &moving);
	purge_end_loud();
	return (uintptr_t)to;
}

void *large_resize(struct heap *heap, uintptr_t address, size_t n,
		   bool *is_mine)
{
	struct place place = place_of(address);
	*is_mine = change_entry(place, CODE_LARGE, CODE_BUSY);
	if (!*is_mine)
		return NULL;
	uintptr_t old = descriptor_at(place), new = large_describe(n);
	uintptr_t to = address;
	if (n > PTRDIFF_MAX || n == 0)
		to = 0;
	else if (large_usable_bytes(new) > large_usable_bytes(old))
		to = grow(heap, address, old, n);
	if (to == 0) {
		describe(place, CODE_LARGE, large_requested_bytes(old));
		return NULL;
	}
	if (to == address)
		describe(place, CODE_BUSY, n);
	if (large_slices(new) > large_slices(old))
		note_touched(to + large_slices(old) * SLICE_BYTES,
			     large_slices(new) - large_slices(old));
	if (large_usable_bytes(new) < large_usable_bytes(old))
		shrink(address, old, new);
	describe(place_of(to), CODE_LARGE, n);
	lock_acquire(&heap->lock);
	count_locked(heap, old, -1);
	count_locked(heap, new, 1);
	lock_release(&heap->lock);
	return (void *)to;
}
