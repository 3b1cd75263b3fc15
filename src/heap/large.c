/*
 * large: descriptors, zeroing, resizing.
 *
 * Law:   the page map entry of a block's first slice has CODE_LARGE, and its
 *        descriptor is the block's; a free slice's descriptor may still be that
 *        of the block last freed there, which tells a double free.
 * Locks: large_lock is held from the change of slices to the change of the
 *        descriptor, so that who holds it sees both or neither.
 */
#include "heap/large.h"

#include <string.h>

#include "base/arith.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "heap/arena.h"
#include "heap/growth.h"
#include "meta/region.h"
#include "meta/store.h"
#include "os/memory.h"

/*
 * From here on pages that are not zero are given back rather than cleared:
 * who asks for so much zeroed memory seldom touches all of it.
 */
#define PURGE_INSTEAD_OF_CLEAR ((size_t)32 << 20)

/*
 * Smaller blocks are rather copied than moved: a move leaves a hole where pages
 * were that could have been used again, and the new place has none.
 */
#define MOVE_BYTES_MIN ((size_t)1 << 20)

/*
 * What was freed last waits for the next block of as many slices: the arena
 * need not look for a place, and its pages are still in the cache. So many
 * bytes wait in any case, and a share of what was lately freed besides.
 */
#define RECENT_SLICES_MAX 16
#define RECENT_BYTES_MIN ((size_t)1 << 20)
#define RECENT_BYTES_MAX ((size_t)4 << 20)
#define FREED_A_RECENT 64

struct lock large_lock = LOCK_INIT(LOCK_DESCRIPTORS);

/* Guarded by large_lock: descriptors of no block, and those of runs that wait,
 * by their slices, which count as in use for the arena. */
static struct large *spare;
static struct large *recent[RECENT_SLICES_MAX + 1];
static size_t recent_bytes;
static uint64_t freed_bytes; /* lately: halved at each tick */

static struct large *take_descriptor_locked(void)
{
	struct large *large = spare;
	if (large != NULL)
		spare = large->next;
	else
		large = store_take(sizeof(*large), sizeof(void *));
	return large;
}

static void keep_descriptor_locked(struct large *large)
{
	large->next = spare;
	spare = large;
}

static void describe(const struct large *large, uint32_t entry)
{
	struct region *region = region_of(large->base);
	region_describe(region, region_slice(region, large->base), entry,
			(void *)large);
}

static void set_size(struct large *large, size_t n)
{
	large->usable_bytes = round_up(n, os_page_bytes());
	large->requested_bytes = n;
}

static size_t slices_for(size_t n)
{
	return divide_up(n, SLICE_BYTES);
}

static void clear(void *base, size_t n)
{
	size_t bytes = round_up(n, os_page_bytes());
	if (arena_is_clean(base, slices_for(n)))
		return;
	if (bytes < PURGE_INSTEAD_OF_CLEAR || !os_purge((uintptr_t)base, bytes))
		arena_clear(base, n);
}

static struct large *take_recent_locked(size_t n_slices, size_t align)
{
	if (n_slices > RECENT_SLICES_MAX || align > SLICE_BYTES)
		return NULL;
	struct large *large = recent[n_slices];
	if (large == NULL)
		return NULL;
	recent[n_slices] = large->next;
	recent_bytes -= n_slices * SLICE_BYTES;
	return large;
}

static bool keep_recent_locked(struct large *large)
{
	size_t n_slices = large->n_slices, bytes = n_slices * SLICE_BYTES;
	if (n_slices > RECENT_SLICES_MAX)
		return false;
	freed_bytes += bytes;
	uint64_t limit = RECENT_BYTES_MIN + freed_bytes / FREED_A_RECENT;
	if (recent_bytes + bytes > limit ||
	    recent_bytes + bytes > RECENT_BYTES_MAX)
		return false;
	large->next = recent[n_slices];
	recent[n_slices] = large;
	recent_bytes += bytes;
	return true;
}

static struct large *take_run_locked(size_t n_slices, size_t align)
{
	struct large *large = take_descriptor_locked();
	if (large == NULL)
		return NULL;
	void *base = arena_take(n_slices, align);
	if (base == NULL) {
		keep_descriptor_locked(large);
		return NULL;
	}
	large->base = (uintptr_t)base;
	large->n_slices = n_slices;
	return large;
}

static void give_run_locked(struct large *large)
{
	void *base = (void *)large->base;
	size_t n_slices = large->n_slices;
	keep_descriptor_locked(large);
	arena_give_some(&(struct run){(uintptr_t)base, n_slices}, 1, true);
}

static bool give_back_recent_locked(void)
{
	bool any = recent_bytes != 0;
	for (size_t n = 1; recent_bytes != 0 && n <= RECENT_SLICES_MAX; n++)
		for (struct large *large;
		     (large = take_recent_locked(n, 1)) != NULL;)
			give_run_locked(large);
	return any;
}

void large_give_back_recent(void)
{
	lock_acquire(&large_lock);
	give_back_recent_locked();
	freed_bytes /= 2;
	lock_release(&large_lock);
}

void *large_alloc(size_t n, size_t align, bool cleared)
{
	if (n > PTRDIFF_MAX)
		return NULL;
	if (n == 0)
		n = 1;
	void *base = NULL;
	lock_acquire(&large_lock);
	struct large *large = take_recent_locked(slices_for(n), align);
	bool is_used = large != NULL;
	if (large == NULL)
		large = take_run_locked(slices_for(n), align);
	if (large != NULL) {
		base = (void *)large->base;
		set_size(large, n);
		large->site = 0;
		describe(large, CODE_LARGE);
		growth_note_large((int64_t)large->usable_bytes);
	}
	lock_release(&large_lock);
	if (base != NULL && cleared && is_used)
		memset(base, 0, n);
	else if (base != NULL && cleared)
		clear(base, n);
	return base;
}

void large_free(struct large *large)
{
	lock_acquire(&large_lock);
	growth_note_large(-(int64_t)large->usable_bytes);
	describe(large, 0);
	if (!keep_recent_locked(large))
		give_run_locked(large);
	lock_release(&large_lock);
}

/* Gives back what lies behind N bytes; the pages at once. */
static void shrink_locked(struct large *large, size_t n)
{
	size_t old_slices = large->n_slices;
	uintptr_t end = large->base + (old_slices << SLICE_SHIFT);
	set_size(large, n);
	uintptr_t tail = large->base + large->usable_bytes;
	bool purged = tail == end || os_purge(tail, end - tail);
	large->n_slices = slices_for(n);
	struct run rest = {large->base + (large->n_slices << SLICE_SHIFT),
			   old_slices - large->n_slices};
	if (rest.n_slices > 0)
		arena_give_some(&rest, 1, !purged);
}

static void note_place(void *context, void *target)
{
	struct large *large = context;
	if (target != NULL) {
		large->old_base = large->base;
		large->base = (uintptr_t)target;
	} else {
		large->base = large->old_base;
	}
}

static bool grow_locked(struct large *large, size_t n)
{
	size_t n_slices = slices_for(n);
	if (n_slices > large->n_slices) {
		size_t more = n_slices - large->n_slices;
		void *base = (void *)large->base;
		if (!arena_extend(base, large->n_slices, more) &&
		    !(give_back_recent_locked() &&
		      arena_extend(base, large->n_slices, more))) {
			if (large->usable_bytes < MOVE_BYTES_MIN)
				return false;
			/* Before, not after: the old place may be another's
			 * by the time arena_move returns. */
			describe(large, 0);
			bool is_moved =
				arena_move(base, large->n_slices, n_slices,
					   note_place, large) != NULL;
			describe(large, CODE_LARGE);
			if (!is_moved)
				return false;
		}
		large->n_slices = n_slices;
	}
	set_size(large, n);
	return true;
}

void *large_resize(struct large *large, size_t n)
{
	if (n > PTRDIFF_MAX)
		return NULL;
	void *base = NULL;
	lock_acquire(&large_lock);
	size_t usable_bytes = round_up(n, os_page_bytes());
	size_t old_bytes = large->usable_bytes;
	if (usable_bytes < large->usable_bytes)
		shrink_locked(large, n);
	else if (usable_bytes == large->usable_bytes)
		set_size(large, n);
	if (usable_bytes <= large->usable_bytes || grow_locked(large, n))
		base = (void *)large->base;
	growth_note_large((int64_t)large->usable_bytes - (int64_t)old_bytes);
	lock_release(&large_lock);
	return base;
}
