/*
 * arena: taking and giving runs, and what is said about them.
 *
 * Laws:  those of slice_state.c.
 * Locks: arena_lock guards everything here, but the bits of a run in use may be
 *        read by who holds the run.
 */
#include "heap/arena.h"

#include <string.h>

#include "base/arith.h"
#include "base/bits.h"
#include "base/lock.h"
#include "heap/arena_grow.h"
#include "heap/slice_bits.h"
#include "heap/slice_state.h"
#include "heap/slice_tree.h"
#include "os/memory.h"

struct lock arena_lock CACHE_ALIGNED = LOCK_INIT(LOCK_ARENA);

static struct region *find_slice(const void *base, size_t *at)
{
	struct region *region = region_of((uintptr_t)base);
	*at = region_slice(region, (uintptr_t)base);
	return region;
}

static size_t count_clean(const struct region *region, size_t at, size_t n)
{
	size_t n_clean = n;
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		uint64_t dirty = load_relaxed(&region->groups[s.group].dirty);
		if (dirty & s.mask)
			n_clean -= bits_count_word(dirty & s.mask);
	}
	return n_clean;
}

static bool slices_are_clean(const struct region *region, size_t at, size_t n)
{
	return count_clean(region, at, n) == n;
}

/* --- taking --------------------------------------------------------------- */

/* So many runs with pages are looked at for one that is long enough; more where
 * many are wanted. */
#define CACHED_TRIES 2
#define CACHED_TRIES_MANY 8

#define CLEAN_PART 4

/* At or after *AT, N slices in a row with pages behind them, of WANTED at most.
 */
static bool find_cached(const struct region *region, size_t n, size_t wanted,
			size_t *at, size_t *room)
{
	int tries = wanted > n ? CACHED_TRIES_MANY : CACHED_TRIES;
	for (int i = 0; i < tries; i++, *at += *room) {
		*room = wanted;
		if (*at >= region->end ||
		    !slices_next_cached(region, false, at, room))
			return false;
		if (*room >= n)
			return true;
	}
	return false;
}

/*
 * The lowest free run of N slices at a multiple of ALIGN, but rather one with
 * pages behind it. Sets *ROOM to how many of WANTED are free from there.
 */
static bool find_free(struct region *region, size_t n, size_t align,
		      size_t wanted, size_t *at, size_t *room)
{
	if (region->end == 0)
		return false;
	*at = slice_tree_find(region, SLICES_FREE, n);
	if (*at < region->end && slices_align(region, *at, align) != *at) {
		size_t more = align / SLICE_BYTES - 1;
		*at = slice_tree_find(region, SLICES_FREE, n + more);
		if (*at < region->end)
			*at = slices_align(region, *at, align);
	}
	if (*at == region->end)
		return false;
	size_t lowest = *at;
	*at = 0;
	if (align <= SLICE_BYTES && slices_are_clean(region, lowest, n) &&
	    find_cached(region, n, wanted, at, room))
		return true;
	*at = lowest;
	*room = wanted == n ? n : slices_count_free(region, lowest, wanted);
	return true;
}

/* As many runs of N_SLICES as there is ROOM for from AT; where the first has
 * pages, none without; of those without a quarter: others may come back with
 * pages before they are wanted. */
static size_t take_from(struct region *region, size_t at, size_t room,
			size_t n_slices, uintptr_t *bases)
{
	size_t taken = 0;
	bool any = slices_are_clean(region, at, n_slices);
	if (any)
		room = max_size(room / CLEAN_PART, n_slices);
	for (; room >= n_slices; room -= n_slices) {
		if (!any && slices_are_clean(region, at, n_slices))
			break;
		slices_take(region, at, n_slices);
		bases[taken++] = slice_address(region, at);
		at += n_slices;
	}
	return taken;
}

/* Up to N runs that are free now: the first, and those with pages after it. */
static size_t take_free(size_t n_slices, size_t align, size_t n,
			uintptr_t *bases)
{
	size_t taken = 0, at, room;
	for (size_t i = 0; i < n_regions && taken == 0; i++) {
		struct region *region = &regions[i];
		if (!find_free(region, n_slices, align, n * n_slices, &at,
			       &room))
			continue;
		do {
			taken += take_from(region, at, room, n_slices,
					   bases + taken);
			at += room;
		} while (taken < n &&
			 find_cached(region, n_slices, (n - taken) * n_slices,
				     &at, &room));
	}
	return taken;
}

static bool is_possible(size_t n_slices, size_t align)
{
	return n_slices > 0 && n_slices <= RUN_SLICES_MAX &&
	       align <= RUN_SLICES_MAX << SLICE_SHIFT;
}

static size_t take(size_t n_slices, size_t align, size_t n, uintptr_t *bases)
{
	struct region *region;
	size_t at;
	if (!is_possible(n_slices, align))
		return 0;
	lock_acquire(&arena_lock);
	size_t taken = take_free(n_slices, align, n, bases);
	if (UNLIKELY(taken == 0) && n > 0 &&
	    arena_grow_locked(n_slices, align, &region, &at))
		taken = take_from(region, at,
				  slices_count_free(region, at, n * n_slices),
				  n_slices, bases);
	lock_release(&arena_lock);
	return taken;
}

void *arena_take(size_t n_slices, size_t align)
{
	uintptr_t base;
	return take(n_slices, align, 1, &base) == 1 ? (void *)base : NULL;
}

size_t arena_take_some(size_t n_slices, size_t n, uintptr_t *bases)
{
	return take(n_slices, SLICE_BYTES, n, bases);
}

bool arena_extend(void *base, size_t n_slices, size_t more)
{
	size_t at;
	struct region *region = find_slice(base, &at);
	size_t next = at + n_slices;
	if (!is_possible(n_slices + more, SLICE_BYTES))
		return false;
	lock_acquire(&arena_lock);
	size_t n_free = slices_count_free(region, next, more);
	bool extended = n_free == more;
	if (!extended && next + n_free == region->end)
		extended = arena_grow_end_locked(region, more - n_free);
	if (extended)
		slices_change(region, next, more, SLICES_USED);
	lock_release(&arena_lock);
	return extended;
}

/* --- giving and purging --------------------------------------------------- */

/* A run and those after it that lie beside it, as one; *I moves past them. */
static struct run join(const struct run *runs, size_t n, size_t *i)
{
	struct run run = runs[(*i)++];
	for (; *i < n; (*i)++) {
		struct run next = runs[*i];
		if (next.base == run.base + run.n_slices * SLICE_BYTES)
			run.n_slices += next.n_slices;
		else if (next.base + next.n_slices * SLICE_BYTES == run.base)
			run = (struct run){next.base,
					   run.n_slices + next.n_slices};
		else
			break;
	}
	return run;
}

void arena_give_some(const struct run *runs, size_t n, bool is_dirty)
{
	lock_acquire(&arena_lock);
	for (size_t i = 0; i < n;) {
		struct run run = join(runs, n, &i);
		size_t at;
		struct region *region = find_slice((void *)run.base, &at);
		ASSERT(slices_are_used(region, at));
		slices_change(region, at, run.n_slices,
			      is_dirty ? SLICES_CACHED : SLICES_CLEAN);
	}
	lock_release(&arena_lock);
}

size_t arena_take_dirty(bool all, size_t max_bytes, struct run *runs,
			size_t n_max)
{
	size_t n = 0, left = divide_up(max_bytes, SLICE_BYTES);
	lock_acquire(&arena_lock);
	for (size_t i = 0; i < n_regions; i++) {
		struct region *region = &regions[i];
		size_t at = all ? 0 : region->aged_end;
		while (n < n_max && left > 0) {
			size_t length = left;
			if (!slices_next_cached(region, !all, &at, &length)) {
				at = region->end;
				break;
			}
			slices_take(region, at, length);
			runs[n++] =
				(struct run){slice_address(region, at), length};
			left -= length;
			at += length;
		}
		if (!all)
			region->aged_end = at;
	}
	lock_release(&arena_lock);
	return n;
}

void arena_age(void)
{
	lock_acquire(&arena_lock);
	slices_tick();
	lock_release(&arena_lock);
}

size_t arena_free_bytes(void)
{
	return load_relaxed(&slice_totals.n_free) << SLICE_SHIFT;
}

size_t arena_in_use_bytes(void)
{
	size_t n_mapped = load_relaxed(&slice_totals.n_mapped);
	size_t n_free = load_relaxed(&slice_totals.n_free);
	return n_mapped > n_free ? (n_mapped - n_free) << SLICE_SHIFT : 0;
}

size_t arena_cached_bytes(void)
{
	return load_relaxed(&slice_totals.n_cached) << SLICE_SHIFT;
}

/* --- for who holds a run -------------------------------------------------- */

size_t arena_count_clean(const void *base, size_t n_slices)
{
	size_t at;
	struct region *region = find_slice(base, &at);
	return count_clean(region, at, n_slices);
}

bool arena_is_clean(const void *base, size_t n_slices)
{
	return arena_count_clean(base, n_slices) == n_slices;
}

bool arena_is_moved(const void *base, size_t n_slices)
{
	size_t at;
	if (LIKELY(load_relaxed(&slice_totals.n_moved_runs) == 0))
		return false;
	struct region *region = find_slice(base, &at);
	for (struct span s = span_first(at, n_slices); s.n > 0;
	     s = span_next(s))
		if (load_relaxed(&region->groups[s.group].moved) & s.mask)
			return true;
	return false;
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

static bool is_zero(const char *at, size_t bytes)
{
	const uint64_t *words = (const uint64_t *)at;
	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		if (words[i] != 0)
			return false;
	for (size_t i = round_down(bytes, sizeof(*words)); i < bytes; i++)
		if (at[i] != 0)
			return false;
	return true;
}

/* How many of BYTES are to be copied in one go, or skipped. */
static size_t measure_stretch(char *to, const char *from, size_t bytes,
			      bool *skip)
{
	size_t page = os_page_bytes(), at = 0;
	for (; at < bytes; at += page) {
		size_t step = min_size(page, bytes - at);
		bool same = is_zero(from + at, step) && is_zero(to + at, step);
		if (at == 0)
			*skip = same;
		else if (*skip != same)
			return at;
	}
	return bytes;
}

void arena_copy(void *to, const void *from, size_t bytes)
{
	for (size_t at = 0, step; at < bytes; at += step) {
		bool skip;
		step = measure_stretch((char *)to + at, (const char *)from + at,
				       bytes - at, &skip);
		if (!skip)
			memcpy((char *)to + at, (const char *)from + at, step);
	}
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

/* --- all of them ---------------------------------------------------------- */

struct arena_counts arena_count_locked(void)
{
	return (struct arena_counts){
		.n_arenas = arena_grow_count_locked(),
		.n_mapped_slices = slice_totals.n_mapped,
		.n_free_slices = slice_totals.n_free,
		.n_cached_slices = slice_totals.n_cached,
		.n_moved_runs = slice_totals.n_moved_runs,
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

struct reclaim {
	bool (*is_kept)(void *context, struct region *region, size_t slice,
			size_t n_slices);
	void *context;
};

/* Of runs that were leaving or moving nobody knows whether they are mapped. */
static void reclaim_run(void *context, struct region *region, size_t slice,
			size_t n_slices)
{
	const struct reclaim *reclaim = context;
	uint32_t code = entry_code(region_entry(region, slice));
	if (code == CODE_LEAVING || code == CODE_BUSY ||
	    reclaim->is_kept(reclaim->context, region, slice, n_slices))
		return;
	region_set_entry(region, slice, 0);
	slices_change(region, slice, n_slices, SLICES_CACHED);
}

void arena_reclaim_locked(bool (*is_kept)(void *context, struct region *region,
					  size_t slice, size_t n_slices),
			  void *context)
{
	struct reclaim reclaim = {is_kept, context};
	arena_visit_locked(reclaim_run, &reclaim);
}

void arena_check_locked(void)
{
	slices_check();
}
