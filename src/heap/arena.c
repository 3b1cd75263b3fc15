/*
 * arena: slices as bits, 64 to a group.
 *
 * The states of a slice, by its bits:
 *
 *	mapped free dirty
 *	  0     0    0    a hole: below `end` but not mapped now
 *	  1     1    0    free and clean: reads as zeros, no page behind it
 *	  1     1    1    free and cached: has pages, purged after a while
 *	  1     0    .    in use; `dirty` says what it was when it was taken
 *
 * Laws:  free, dirty, start are subsets of mapped; aging of free & dirty; start
 *        and free are disjoint; n_cached is the number of free & dirty slices.
 *        A run in use reaches from its start bit to the next slice that is
 *        free, unmapped or a start.
 * Locks: arena_lock guards everything here, but the bits of a run in use may be
 *        read by who holds the run.
 */
#include "heap/arena.h"

#include <string.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/lock.h"
#include "base/message.h"
#include "heap/slice_bits.h"
#include "os/maps.h"
#include "os/memory.h"

#define FIRST_ARENA_SLICES 64 /* 4 MiB */
#define ARENA_SLICES_MAX 1024 /* 64 MiB */
#define ARENA_GROWTH 4

struct lock arena_lock = LOCK_INIT(LOCK_ARENA);

/* Guarded by arena_lock; n_cached is also read without it. */
static size_t next_arena_slices = FIRST_ARENA_SLICES;
static size_t n_arenas, n_mapped, n_free, n_cached, n_holes;

static void count_cached(long n)
{
	store_relaxed(&n_cached, n_cached + (size_t)n);
}

/* Who holds a run may read its dirty bits meanwhile: see arena_is_clean. */
static void set_dirty(struct slice_group *group, uint64_t mask, bool dirty)
{
	uint64_t others = group->dirty & ~mask;
	store_relaxed(&group->dirty, dirty ? others | mask : others);
}

/* Marks N slices as taken by one run. */
static void take_slices(struct region *region, size_t at, size_t n)
{
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		struct slice_group *group = &region->groups[s.group];
		ASSERT((group->free & s.mask) == s.mask);
		uint64_t dirty = group->dirty & s.mask;
		if (dirty != 0)
			count_cached(dirty == s.mask
					     ? -(long)s.here
					     : -(long)bits_count_word(dirty));
		group->free &= ~s.mask;
		group->aging &= ~s.mask;
		slices_summarise(region, s.group);
	}
	n_free -= n;
	bits_set(&region->groups[at / 64].start, at % 64);
}

/* Marks N slices as free; what DIRTY says holds for all of them. */
static void free_slices(struct region *region, size_t at, size_t n, bool dirty)
{
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		struct slice_group *group = &region->groups[s.group];
		ASSERT((group->free & s.mask) == 0);
		group->mapped |= s.mask;
		group->free |= s.mask;
		group->start &= ~s.mask;
		group->aging &= ~s.mask;
		set_dirty(group, s.mask, dirty);
		slices_summarise(region, s.group);
	}
	n_free += n;
	if (dirty)
		count_cached((long)n);
	slices_note_free_run(region, at, n);
}

/* Marks N slices as holes: they were free, or in use and have moved away. */
static void unmap_slices(struct region *region, size_t at, size_t n)
{
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		struct slice_group *group = &region->groups[s.group];
		uint64_t was_free = group->free & s.mask;
		n_free -= bits_count_word(was_free);
		count_cached(-(long)bits_count_word(group->dirty & was_free));
		group->mapped &= ~s.mask;
		group->free &= ~s.mask;
		set_dirty(group, s.mask, false);
		group->aging &= ~s.mask;
		group->start &= ~s.mask;
		slices_summarise(region, s.group);
	}
	n_mapped -= n;
	n_holes += n;
}

/* Maps N slices at AT, which must be holes or beyond the end. */
static enum os_map_result map_slices(struct region *region, size_t at, size_t n)
{
	if (!region_prepare_locked(region, at + n))
		return OS_REFUSED;
	enum os_map_result result =
		os_map_at(slice_address(region, at), n << SLICE_SHIFT);
	if (result != OS_MAPPED)
		return result;
	if (at + n > region->end) {
		n_holes += at > region->end ? at - region->end : 0;
		region->end = at + n;
	} else {
		n_holes -= n;
	}
	n_arenas++;
	n_mapped += n;
	free_slices(region, at, n, false);
	return OS_MAPPED;
}

/* Maps at least N slices at an aligned place in a hole. */
static bool grow_in_hole(struct region *region, size_t n, size_t align)
{
	size_t at = 0, stop;
	if (n_holes < n)
		return false;
	while (slices_next_hole(region, &at, &stop)) {
		size_t start = slices_align(region, at, align);
		if (start + n <= stop) {
			size_t want = max_size(n, next_arena_slices);
			want = min_size(want, stop - start);
			if (map_slices(region, start, want) == OS_MAPPED)
				return true;
			if (map_slices(region, start, n) == OS_MAPPED)
				return true;
		}
		at = stop;
	}
	return false;
}

/*
 * Maps a new arena at the region's end. Where memory is short a smaller one
 * will do; where something foreign is in the way it is passed over.
 */
static bool grow_at_end(struct region *region, size_t n, size_t align)
{
	size_t want = max_size(n, next_arena_slices);
	for (;;) {
		size_t at = slices_align(region, region->end, align);
		if (at + n > region->n_slices)
			return false;
		want = min_size(want, region->n_slices - at);
		enum os_map_result result = map_slices(region, at, want);
		if (result == OS_MAPPED)
			break;
		if (result == OS_TAKEN) {
			if (!region_prepare_locked(region, at + want))
				return false;
			n_holes += at + want - region->end;
			region->end = at + want;
		} else if (want > n) {
			want = max_size(n, want / 2);
		} else if (region->end != 0 ||
			   !region_lower_base_locked(region)) {
			return false;
		}
	}
	next_arena_slices =
		min_size(next_arena_slices * ARENA_GROWTH, ARENA_SLICES_MAX);
	return true;
}

static bool grow(size_t n, size_t align)
{
	for (size_t i = 0; i < n_regions; i++)
		if (grow_in_hole(&regions[i], n, align) ||
		    grow_at_end(&regions[i], n, align))
			return true;
	return false;
}

/* A further region, if none has room for N slices even without any limit. */
static bool add_region(size_t n, size_t align)
{
	for (size_t i = 0; i < n_regions; i++)
		if (slices_align(&regions[i], regions[i].end, align) + n <=
		    regions[i].n_slices)
			return false;
	return region_add_locked(n + align / SLICE_BYTES) != NULL &&
	       grow(n, align);
}

bool arena_make_room(size_t wanted, size_t align)
{
	(void)wanted, (void)align;
	lock_acquire(&arena_lock);
	size_t before = n_mapped;
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = 0, stop;
		while (slices_next_free(region, &at, &stop)) {
			if (os_unmap(slice_address(region, at),
				     (stop - at) << SLICE_SHIFT))
				unmap_slices(region, at, stop - at);
			at = stop;
		}
	}
	bool unmapped = n_mapped < before;
	lock_release(&arena_lock);
	return unmapped;
}

static void *find_and_take(size_t n, size_t align)
{
	for (size_t i = 0; i < n_regions; i++) {
		size_t at = slices_find_free(&regions[i], n, align);
		if (at < regions[i].n_slices) {
			take_slices(&regions[i], at, n);
			return (void *)slice_address(&regions[i], at);
		}
	}
	return NULL;
}

void *arena_take(size_t n, size_t align)
{
	if (n > RUN_SLICES_MAX || align > RUN_SLICES_MAX << SLICE_SHIFT)
		return NULL;
	lock_acquire(&arena_lock);
	void *taken = find_and_take(n, align);
	if (UNLIKELY(taken == NULL) && (grow(n, align) || add_region(n, align)))
		taken = find_and_take(n, align);
	lock_release(&arena_lock);
	return taken;
}

size_t arena_take_some(size_t n_slices, size_t n, uintptr_t *bases)
{
	size_t taken = 0;
	lock_acquire(&arena_lock);
	while (taken < n) {
		void *at = find_and_take(n_slices, 1);
		if (at == NULL && (taken > 0 || !(grow(n_slices, 1) ||
						  add_region(n_slices, 1))))
			break;
		if (at != NULL)
			bases[taken++] = (uintptr_t)at;
	}
	lock_release(&arena_lock);
	return taken;
}

bool arena_is_clean(const void *base, size_t n)
{
	struct region *region = region_of((uintptr_t)base);
	size_t at = region_slice(region, (uintptr_t)base);
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s))
		if (load_relaxed(&region->groups[s.group].dirty) & s.mask)
			return false;
	return true;
}

void arena_clear(void *base, size_t bytes)
{
	char *at = base;
	while (bytes > 0) {
		size_t step = min_size(bytes, SLICE_BYTES);
		if (!arena_is_clean(at, 1))
			memset(at, 0, step);
		at += step;
		bytes -= step;
	}
}

void arena_give_some(const struct run *runs, size_t n, bool is_dirty)
{
	lock_acquire(&arena_lock);
	for (size_t i = 0; i < n; i++) {
		struct region *region = region_of(runs[i].base);
		free_slices(region, region_slice(region, runs[i].base),
			    runs[i].n_slices, is_dirty);
	}
	lock_release(&arena_lock);
}

bool arena_is_moved(const void *base, size_t n_slices)
{
	(void)base, (void)n_slices;
	return false;
}

void arena_give_moved(void *base, size_t n_slices)
{
	struct run run = {(uintptr_t)base, n_slices};
	arena_give_some(&run, 1, true);
}

uintptr_t arena_run_start(uintptr_t address, size_t *n_slices)
{
	struct region *region = region_of(address);
	uintptr_t start = 0;
	if (region == NULL)
		return 0;
	size_t slice = region_slice(region, address);
	lock_acquire(&arena_lock);
	if (slices_are_used(region, slice)) {
		size_t first = slices_run_start(region, slice);
		start = slice_address(region, first);
		if (n_slices != NULL)
			*n_slices = slices_run_stop(region, first) - first;
	}
	lock_release(&arena_lock);
	return start;
}

bool arena_extend(void *base, size_t n, size_t more)
{
	struct region *region = region_of((uintptr_t)base);
	size_t next = region_slice(region, (uintptr_t)base) + n;
	lock_acquire(&arena_lock);
	bool extended = next + more <= region->n_slices;
	if (extended && next == region->end)
		extended = map_slices(region, next, more) == OS_MAPPED;
	extended = extended && slices_are_free(region, next, more);
	if (extended) {
		take_slices(region, next, more);
		bits_clear(&region->groups[next / 64].start, next % 64);
	}
	lock_release(&arena_lock);
	return extended;
}

/*
 * A place for pages that come by mremap. Mapped slices are replaced as the
 * pages arrive. Where a limit lets no more be mapped, unmapped addresses at the
 * end of a region will do: they are checked, because mremap would silently
 * replace whatever is there.
 */
static void *take_target(size_t n)
{
	void *target = find_and_take(n, 1);
	if (target == NULL && grow(n, 1))
		target = find_and_take(n, 1);
	for (size_t i = 0; i < n_regions && target == NULL; i++) {
		struct region *region = &regions[i];
		size_t at = region->end;
		uintptr_t address = slice_address(region, at);
		if (at + n > region->n_slices ||
		    !os_is_unmapped(address, n << SLICE_SHIFT) ||
		    !region_prepare_locked(region, at + n))
			continue;
		region->end = at + n;
		n_mapped += n;
		free_slices(region, at, n, false);
		take_slices(region, at, n);
		target = (void *)address;
	}
	return target;
}

static void give_back_target(struct region *region, size_t at, size_t n)
{
	uintptr_t address = slice_address(region, at);
	if (os_is_unmapped(address, n << SLICE_SHIFT))
		unmap_slices(region, at, n);
	else
		free_slices(region, at, n, true);
}

void *arena_move(void *base, size_t n, size_t n_new,
		 void (*describe)(void *context, void *target), void *context)
{
	struct region *from = region_of((uintptr_t)base);
	lock_acquire(&arena_lock);
	void *target = take_target(n_new);
	lock_release(&arena_lock);
	if (target == NULL)
		return NULL;
	describe(context, target);
	bool moved = os_move((uintptr_t)base, n << SLICE_SHIFT,
			     (uintptr_t)target, n_new << SLICE_SHIFT);
	lock_acquire(&arena_lock);
	if (moved) {
		unmap_slices(from, region_slice(from, (uintptr_t)base), n);
	} else {
		struct region *to = region_of((uintptr_t)target);
		give_back_target(to, region_slice(to, (uintptr_t)target),
				 n_new);
		target = NULL;
	}
	lock_release(&arena_lock);
	if (!moved)
		describe(context, NULL);
	return target;
}

size_t arena_take_dirty(bool all, size_t max_bytes, struct run *runs,
			size_t n_max)
{
	size_t n = 0, bytes = 0;
	lock_acquire(&arena_lock);
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = 0, stop;
		while (n < n_max && bytes < max_bytes &&
		       slices_next_purgeable(region, all, &at, &stop)) {
			take_slices(region, at, stop - at);
			runs[n++] = (struct run){slice_address(region, at),
						 stop - at};
			bytes += (stop - at) << SLICE_SHIFT;
			at = stop;
		}
	}
	lock_release(&arena_lock);
	return n;
}

void arena_age(void)
{
	lock_acquire(&arena_lock);
	for (size_t i = 0; i < n_regions; i++)
		slices_age(&regions[i]);
	lock_release(&arena_lock);
}

size_t arena_mapped_bytes(void)
{
	return load_relaxed(&n_mapped) << SLICE_SHIFT;
}

size_t arena_in_use_bytes(void)
{
	return (load_relaxed(&n_mapped) - load_relaxed(&n_free)) << SLICE_SHIFT;
}

size_t arena_cached_bytes(void)
{
	return load_relaxed(&n_cached) << SLICE_SHIFT;
}

struct arena_counts arena_count_locked(void)
{
	return (struct arena_counts){
		.n_arenas = n_arenas,
		.n_mapped_slices = n_mapped,
		.n_free_slices = n_free,
		.n_cached_slices = n_cached,
	};
}

void arena_visit_locked(arena_visitor *visit, void *context)
{
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = 0;
		while ((at = slices_next_start(region, at)) < region->end) {
			size_t stop = slices_run_stop(region, at);
			visit(context, region, at, stop - at);
			at = stop;
		}
	}
}

void arena_visit_mapped_locked(void (*visit)(void *context, uintptr_t at,
					     size_t bytes),
			       void *context)
{
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = 0, stop;
		for (; slices_next_mapped(region, &at, &stop); at = stop)
			visit(context, slice_address(region, at),
			      (stop - at) << SLICE_SHIFT);
	}
}

void arena_reclaim_locked(bool (*is_kept)(void *context, struct region *region,
					  size_t slice, size_t n_slices),
			  void *context)
{
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = 0;
		while ((at = slices_next_start(region, at)) < region->end) {
			size_t n = slices_run_stop(region, at) - at;
			uint32_t entry = region_entry(region, at);
			if (entry_code(entry) != CODE_LEAVING &&
			    !is_kept(context, region, at, n)) {
				store_relaxed(&region->map[at], 0);
				free_slices(region, at, n, true);
			}
			at += n;
		}
	}
}

void arena_check_locked(void)
{
	struct slice_counts sum = {0};
	for (size_t i = 0; i < n_regions; i++)
		slices_check(&regions[i], &sum);
	if (sum.n_mapped != n_mapped || sum.n_free != n_free ||
	    sum.n_cached != n_cached || sum.n_holes != n_holes)
		message_abort("broken law: slices counted %zu mapped %zu free "
			      "%zu cached %zu holes, found %zu %zu %zu %zu",
			      n_mapped, n_free, n_cached, n_holes, sum.n_mapped,
			      sum.n_free, sum.n_cached, sum.n_holes);
}
