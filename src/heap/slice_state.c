/*
 * slice_state: changing bits, with the tree above them and the totals.
 *
 * Laws:  a slice is in one state; dirty and start are subsets of mapped, start
 *        and free are disjoint; moved is a subset of mapped, moved_start of
 *        moved, and each stretch of moved slices begins with a moved_start.
 *        A run in use reaches from its start bit to the next slice that is
 *        free, unmapped or a start.
 *        The totals are the numbers of the bits.
 *
 * Ticks are not told to the groups: one that has not changed since the last
 * tick has aged as a whole. It says so itself before it changes.
 */
#include "heap/slice_state.h"

#include "base/arith.h"
#include "base/bits.h"
#include "base/message.h"
#include "heap/slice_bits.h"
#include "heap/slice_tree.h"

struct slice_totals slice_totals CACHE_ALIGNED;

/* Guarded by arena_lock. A group that sleeps for 65,536 ticks takes one tick
 * more. */
static uint16_t tick;

/* Of a word in which bits are only set, or only cleared. */
static ALWAYS_INLINE void count(size_t *total, uint64_t before, uint64_t after)
{
	if (before == after)
		return;
	size_t n = bits_count_word(before ^ after);
	store_relaxed(total, (before & ~after) == 0 ? *total + n : *total - n);
}

static uint64_t aged_bits(const struct slice_group *group)
{
	return group->aged_in == tick ? group->aging
				      : group->free & group->dirty;
}

void slices_tick(void)
{
	tick++;
	for (size_t i = 0; i < n_regions; i++)
		regions[i].aged_end = 0;
}

void slices_move_end(struct region *region, size_t end)
{
	size_t old_end = region->end;
	ASSERT(end > old_end && end <= region->n_slices);
	region->end = end;
	slice_tree_grow(region, old_end);
}

/* What holders read meanwhile (arena_is_clean) is stored as one. */
static void change_group(struct slice_group *group, uint64_t mask,
			 enum slice_state to)
{
	bool is_mapped = to != SLICES_HOLES && to != SLICES_LOST;
	bool is_free = to == SLICES_CLEAN || to == SLICES_CACHED;
	struct slice_group old = *group;
	uint64_t dirty = old.dirty & ~mask;
	if (to == SLICES_CACHED)
		dirty |= mask;
	else if (to == SLICES_USED)
		dirty = old.dirty;
	group->aging = aged_bits(group) & ~mask;
	group->aged_in = tick;
	group->mapped = is_mapped ? old.mapped | mask : old.mapped & ~mask;
	group->free = is_free ? old.free | mask : old.free & ~mask;
	group->hole = to == SLICES_HOLES ? old.hole | mask : old.hole & ~mask;
	group->start = old.start & ~mask;
	store_relaxed(&group->dirty, dirty);
	count(&slice_totals.n_mapped, old.mapped, group->mapped);
	count(&slice_totals.n_free, old.free, group->free);
	count(&slice_totals.n_cached, old.free & old.dirty,
	      group->free & dirty);
	count(&slice_totals.n_holes, old.hole, group->hole);
}

void slices_change(struct region *region, size_t at, size_t n,
		   enum slice_state to)
{
	size_t first = at / GROUP_SLICES, last = (at + n - 1) / GROUP_SLICES;
	size_t n_holes = slice_totals.n_holes;
	bool holes_change = to == SLICES_HOLES;
	ASSERT(n > 0 && at + n <= region->end);
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s))
		change_group(&region->groups[s.group], s.mask, to);
	if (first == last)
		slice_tree_update_free(region, first, span_first(at, n).mask);
	else
		slice_tree_update(region, SLICES_FREE, first, last);
	if (holes_change || slice_totals.n_holes != n_holes)
		slice_tree_update(region, SLICES_HOLE, first, last);
}

void slices_take_runs(struct region *region, size_t at, size_t n, size_t length)
{
	slices_change(region, at, n, SLICES_USED);
	for (size_t i = at; i < at + n; i += length)
		bits_set(&region->groups[i / GROUP_SLICES].start,
			 i % GROUP_SLICES);
}

/* --- moved slices --------------------------------------------------------- */

static void change_moved(struct slice_group *group, uint64_t moved,
			 uint64_t moved_start)
{
	count(&slice_totals.n_moved_runs, group->moved_start, moved_start);
	store_relaxed(&group->moved, moved);
	group->moved_start = moved_start;
}

/* What is left of a mapping behind slices that were cut out of it is one. */
static void note_rest(struct region *region, size_t at)
{
	struct slice_group *group = &region->groups[at / GROUP_SLICES];
	uint64_t bit = UINT64_C(1) << (at % GROUP_SLICES);
	if (at < region->end && (group->moved & bit))
		change_moved(group, group->moved, group->moved_start | bit);
}

void slices_clear_moved(struct region *region, size_t at, size_t n)
{
	bool any = false;
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		struct slice_group *group = &region->groups[s.group];
		if (!(group->moved & s.mask))
			continue;
		any = true;
		change_moved(group, group->moved & ~s.mask,
			     group->moved_start & ~s.mask);
	}
	if (any)
		note_rest(region, at + n);
}

void slices_set_moved(struct region *region, size_t at, size_t n)
{
	slices_clear_moved(region, at, n);
	uint64_t start = UINT64_C(1) << (at % GROUP_SLICES);
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		struct slice_group *group = &region->groups[s.group];
		change_moved(group, group->moved | s.mask,
			     group->moved_start | start);
		start = 0;
	}
}

/* --- what can be purged --------------------------------------------------- */

static uint64_t purgeable(const struct slice_group *group, bool aged)
{
	return aged ? aged_bits(group) : group->free & group->dirty;
}

/* How many of the N slices from AT can be purged, in a row. */
static size_t count_purgeable(const struct region *region, bool aged, size_t at,
			      size_t n)
{
	size_t found = 0;
	n = min_size(n, region->end - at);
	for (struct span s = span_first(at, n); s.n > 0; s = span_next(s)) {
		uint64_t bits = purgeable(&region->groups[s.group], aged);
		uint64_t missing = ~bits & s.mask;
		if (missing != 0)
			return found + (size_t)__builtin_ctzll(missing) -
			       (found == 0 ? at % GROUP_SLICES : 0);
		found += s.here;
	}
	return found;
}

bool slices_next_cached(const struct region *region, bool aged, size_t *at,
			size_t *n)
{
	size_t g = *at / GROUP_SLICES;
	uint64_t from = ~UINT64_C(0) << (*at % GROUP_SLICES);
	for (;;) {
		g = slice_tree_next_cached(region, g);
		if (g * GROUP_SLICES >= region->end)
			return false;
		if (g > *at / GROUP_SLICES)
			from = ~UINT64_C(0);
		uint64_t bits = purgeable(&region->groups[g], aged) & from;
		if (bits != 0) {
			*at = g * GROUP_SLICES + (size_t)__builtin_ctzll(bits);
			*n = count_purgeable(region, aged, *at, *n);
			return true;
		}
		g++;
	}
}

/* --- laws ----------------------------------------------------------------- */

static void check_group(const struct region *region, size_t g)
{
	const struct slice_group *group = &region->groups[g];
	uint64_t unused = group->free | group->hole | ~group->mapped;
	uint64_t before = group->moved << 1;
	if (g > 0)
		before |= region->groups[g - 1].moved >> 63;
	if (((group->free | group->dirty | group->start | group->moved) &
	     ~group->mapped) != 0 ||
	    (group->mapped & group->hole) != 0 ||
	    (group->start & unused) != 0 ||
	    (aged_bits(group) & ~(group->free & group->dirty)) != 0 ||
	    (group->moved_start & ~group->moved) != 0 ||
	    (group->moved & ~before & ~group->moved_start) != 0)
		message_abort("broken law: bits of the slices from %p",
			      (void *)slice_address(region, g * GROUP_SLICES));
}

static void add_group(struct slice_totals *sum, const struct slice_group *group)
{
	sum->n_mapped += bits_count_word(group->mapped);
	sum->n_free += bits_count_word(group->free);
	sum->n_cached += bits_count_word(group->free & group->dirty);
	sum->n_holes += bits_count_word(group->hole);
	sum->n_moved_runs += bits_count_word(group->moved_start);
}

void slices_check(void)
{
	struct slice_totals sum = {0}, told = slice_totals;
	for (size_t i = 0; i < n_regions; i++) {
		const struct region *region = &regions[i];
		for (size_t g = 0; g * GROUP_SLICES < region->end; g++) {
			check_group(region, g);
			add_group(&sum, &region->groups[g]);
		}
		if (region->end > 0)
			slice_tree_check(region);
	}
	if (sum.n_mapped != told.n_mapped || sum.n_free != told.n_free ||
	    sum.n_cached != told.n_cached || sum.n_holes != told.n_holes ||
	    sum.n_moved_runs != told.n_moved_runs)
		message_abort("broken law: slices counted %zu mapped %zu free "
			      "%zu cached %zu holes %zu moved, found %zu %zu "
			      "%zu %zu %zu",
			      told.n_mapped, told.n_free, told.n_cached,
			      told.n_holes, told.n_moved_runs, sum.n_mapped,
			      sum.n_free, sum.n_cached, sum.n_holes,
			      sum.n_moved_runs);
}
