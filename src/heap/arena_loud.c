/*
 * arena_loud: what unmaps and moves block memory, with no lock held.
 *
 * Each call takes slices out of everybody's reach under the lock, asks the
 * kernel without it, and enters the outcome under it. In between the slices are
 * a run in use whose first entry is CODE_LEAVING, so that a fork leaves them
 * alone: its child cannot know whether they are mapped.
 *
 * A hook of others, called on the way, finds the arena whole.
 */
#include "base/arith.h"
#include "base/lock.h"
#include "heap/arena.h"
#include "heap/arena_grow.h"
#include "heap/slice_bits.h"
#include "heap/slice_state.h"
#include "heap/slice_tree.h"
#include "os/memory.h"

/* Runs are unmapped so many at a time, and so many a call at most: each may
 * cost a mapping, of which a process has some 65,000. */
#define LEAVING_RUNS 32
#define LEAVING_RUNS_MAX 4096

/* More than the run: its place may need longer arrays (some 20 bytes a slice),
 * and its block a descriptor. */
#define MORE_SLICES 8
#define SLICES_A_MORE_SLICE 2048

struct leaving {
	struct region *region;
	size_t at;
	size_t n;
	bool is_unmapped;
};

static void leave(struct leaving *run)
{
	region_set_entry(run->region, run->at, CODE_LEAVING);
	run->is_unmapped = os_unmap(slice_address(run->region, run->at),
				    run->n << SLICE_SHIFT);
}

/* --- moved runs ----------------------------------------------------------- */

void arena_give_moved(void *base, size_t n_slices)
{
	struct region *region = region_of((uintptr_t)base);
	struct leaving run = {
		.region = region,
		.at = region_slice(region, (uintptr_t)base),
		.n = n_slices,
	};
	leave(&run);
	lock_acquire(&arena_lock);
	region_set_entry(region, run.at, 0);
	if (run.is_unmapped)
		arena_map_anew_locked(region, run.at, run.n);
	else
		slices_change(region, run.at, run.n, SLICES_CACHED);
	lock_release(&arena_lock);
}

/* Atomic, relaxed: since the last call of arena_unmap_after_moves. */
static bool has_moved;

void arena_unmap_after_moves(void)
{
	if (!load_relaxed(&has_moved))
		return;
	store_relaxed(&has_moved, false);
	arena_make_room(load_relaxed(&slice_totals.n_free), SLICE_BYTES);
}

static bool may_move(void)
{
	lock_acquire(&arena_lock);
	bool may = slice_totals.n_moved_runs < MOVED_RUNS_MAX;
	lock_release(&arena_lock);
	return may;
}

/*
 * A place for pages that come by mremap, which replaces what is mapped there.
 * Where a limit lets no more be mapped, unmapped addresses at the end of a
 * region will do: mremap counts only what the run grows by.
 */
static bool take_target(size_t n, struct region **region, size_t *at)
{
	void *target = arena_take(n, SLICE_BYTES);
	if (target != NULL) {
		*region = region_of((uintptr_t)target);
		*at = region_slice(*region, (uintptr_t)target);
		return true;
	}
	if (n > RUN_SLICES_MAX)
		return false;
	lock_acquire(&arena_lock);
	bool taken = arena_take_unmapped_locked(n, region, at);
	if (taken)
		region_set_entry(*region, *at, CODE_LEAVING);
	lock_release(&arena_lock);
	return taken;
}

void *arena_move(void *base, size_t n_slices, size_t n_new,
		 void (*describe)(void *context, void *target), void *context)
{
	struct region *from = region_of((uintptr_t)base), *to;
	size_t old_at = region_slice(from, (uintptr_t)base), at;
	ASSERT(n_new >= n_slices);
	if (!may_move() || !take_target(n_new, &to, &at))
		return NULL;
	void *target = (void *)slice_address(to, at);
	describe(context, target);
	/* What moves here would drop the pages that are here, unseen. */
	bool moved = (arena_is_clean(target, n_new) ||
		      os_purge((uintptr_t)target, n_new << SLICE_SHIFT)) &&
		     os_move((uintptr_t)base, n_slices << SLICE_SHIFT,
			     (uintptr_t)target, n_new << SLICE_SHIFT);
	lock_acquire(&arena_lock);
	if (moved) {
		store_relaxed(&has_moved, true);
		slices_set_moved(to, at, n_new);
		region_set_entry(from, old_at, 0);
		arena_map_anew_locked(from, old_at, n_slices);
	} else {
		describe(context, NULL);
		arena_restore_locked(to, at, n_new);
	}
	lock_release(&arena_lock);
	return moved ? target : NULL;
}

/* --- room under a limit --------------------------------------------------- */

/*
 * True if unmapping N_OLD slices can let N be mapped: not if even what is
 * missing then is refused.
 */
static bool can_help(size_t n, size_t align, size_t n_old)
{
	if (n == 0 || n > RUN_SLICES_MAX || n_old == 0 ||
	    align > RUN_SLICES_MAX << SLICE_SHIFT)
		return false;
	if (n <= n_old)
		return true;
	size_t missing = (n - n_old) << SLICE_SHIFT;
	void *probe = os_map(missing);
	if (probe == NULL)
		return false;
	os_unmap_own((uintptr_t)probe, missing);
	return true;
}

bool arena_could_make_room(size_t n_slices, size_t align)
{
	return can_help(n_slices, align, load_relaxed(&slice_totals.n_mapped));
}

/* Takes the longest free runs there are, of up to N slices in all. */
static size_t take_longest_locked(size_t n, struct leaving *runs)
{
	size_t taken = 0, n_runs = 0;
	while (n_runs < LEAVING_RUNS && taken < n) {
		struct region *region = NULL;
		size_t longest = 0;
		for (size_t i = 0; i < n_regions; i++) {
			if (regions[i].end == 0)
				continue;
			size_t here =
				slice_tree_longest(&regions[i], SLICES_FREE);
			if (here > longest) {
				longest = here;
				region = &regions[i];
			}
		}
		if (region == NULL)
			break;
		size_t at = slice_tree_find(region, SLICES_FREE, longest);
		longest = min_size(longest, n - taken);
		slices_take(region, at, longest);
		runs[n_runs++] = (struct leaving){region, at, longest, false};
		taken += longest;
	}
	return n_runs;
}

static size_t enter_left_locked(const struct leaving *run)
{
	region_set_entry(run->region, run->at, 0);
	if (run->is_unmapped)
		slices_clear_moved(run->region, run->at, run->n);
	slices_change(run->region, run->at, run->n,
		      run->is_unmapped ? SLICES_HOLES : SLICES_CACHED);
	return run->is_unmapped ? run->n : 0;
}

bool arena_make_room(size_t n_slices, size_t align)
{
	struct leaving runs[LEAVING_RUNS];
	size_t unmapped = 0, n_runs = 0;
	size_t wanted = n_slices + n_slices / SLICES_A_MORE_SLICE + MORE_SLICES;
	if (!can_help(n_slices, align, load_relaxed(&slice_totals.n_free)))
		return false;
	while (unmapped < wanted && n_runs < LEAVING_RUNS_MAX) {
		size_t left = 0;
		lock_acquire(&arena_lock);
		size_t n = take_longest_locked(wanted - unmapped, runs);
		lock_release(&arena_lock);
		for (size_t i = 0; i < n; i++)
			leave(&runs[i]);
		lock_acquire(&arena_lock);
		for (size_t i = 0; i < n; i++)
			left += enter_left_locked(&runs[i]);
		lock_release(&arena_lock);
		if (left == 0)
			break;
		unmapped += left;
		n_runs += n;
	}
	return unmapped > 0;
}
