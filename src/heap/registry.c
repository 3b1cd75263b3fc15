/*
 * registry: the list of heaps, parking and taking over.
 *
 * Law:   a heap is in `heaps` from its creation on, and in `parked` exactly
 *        while no thread has it.
 * Locks: registry_lock guards the lists. A heap is worked on under its own
 *        lock, and is parked, or taken, under both: so it stays what it is for
 *        who has either.
 */
#include "heap/registry.h"

#include "base/atomic.h"
#include "heap/arena.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/parking.h"
#include "heap/purge.h"
#include "heap/remote.h"
#include "heap/share.h"
#include "meta/store.h"

#define HEAP_ID_MAX ((1u << 24) - 1)

struct lock registry_lock CACHE_ALIGNED = LOCK_INIT(LOCK_REGISTRY);

/* Guarded by registry_lock. n_heaps is also
 * read without it. */
static struct heap *parked;
static uint32_t n_heaps = 1;
static uint32_t n_attached; /* those that a thread has */

/* Atomic: stored with release, under registry_lock, after the heap is whole. */
static struct heap *heaps CACHE_ALIGNED = &heap_common;

/*
 * Guarded by registry_lock: arrays of magazines of threads that a fork left
 * behind, linked by the word before their first block; the link tells their
 * size too, since arrays are aligned to 32 bytes at least.
 */
static uintptr_t forgotten;

static void forget_magazine(struct heap *heap, uint32_t class)
{
	struct magazine *magazine = &heap->magazines[class];
	if (magazine_exists(magazine)) {
		uintptr_t *array = (uintptr_t *)magazine->blocks - 1;
		unsigned log = magazine_log(magazine);
		*array = forgotten;
		forgotten = (uintptr_t)(array - 1) | log;
	}
	*magazine = magazine_absent(class);
}

void registry_visit_forgotten_locked(void (*visit)(void *context,
						   void *const *words,
						   size_t n),
				     void *context)
{
	const uintptr_t log_mask = 31;
	for (uintptr_t at = forgotten; at != 0;) {
		const uintptr_t *array = (const uintptr_t *)(at & ~log_mask);
		unsigned log = (unsigned)(at & log_mask);
		visit(context, (void *const *)(array + 2),
		      magazine_capacity(log));
		at = array[1];
	}
}

static struct heap *create_locked(void)
{
	if (n_heaps == HEAP_ID_MAX)
		return NULL;
	struct heap *heap = store_take(sizeof(*heap), CACHE_LINE);
	if (heap == NULL)
		return NULL;
	store_relaxed(&n_heaps, n_heaps + 1);
	heap->key = n_heaps << ENTRY_CLASS_BITS;
	heap->lock = (struct lock)LOCK_INIT(LOCK_HEAP);
	FOR_EACH_CLASS (class)
		heap->magazines[class] = magazine_absent(class);
	heap->single_class = N_CLASSES;
	heap->next = heaps;
	store_release(&heaps, heap);
	return heap;
}

/* What the thread had asked for, or was in the middle of, ends with it. */
static void forget_thread(struct heap *heap)
{
	if (heap->n_ignoring != 0)
		heap->single_class = N_CLASSES;
	heap->n_ignoring = 0;
	heap->n_loud = 0;
	heap->is_polling = heap->is_poll_due = false;
	heap->to_look_after = NULL;
}

/*
 * Its thread is at its end, or gone. HEAP is locked as well, and its magazines
 * are such as this thread may look at.
 */
static void park_locked(struct heap *heap)
{
	/* One that was made for nobody had no thread. */
	n_attached -= n_attached > 0;
	share_note_heaps(n_attached);
	forget_thread(heap);
	parking_enter_locked(heap);
	heap->next_parked = parked;
	store_relaxed(&parked, heap);
	/* Cites push_flagged in remote.c: either a freer sees this, or we see
	 * what it has flagged. */
	(void)exchange_seq_cst(&heap->is_parked, true);
	if (remote_has_any(heap) || heap->draining != NULL)
		remote_push_parked(heap);
}

struct heap *registry_take(void)
{
	lock_acquire(&registry_lock);
	struct heap *heap = parked;
	if (heap != NULL) {
		store_relaxed(&parked, heap->next_parked);
		/* Who found it parked may be emptying its magazines. */
		lock_acquire(&heap->lock);
		store_relaxed(&heap->is_parked, false);
		lock_release(&heap->lock);
	} else {
		heap = create_locked();
	}
	if (heap != NULL) {
		heap->thread = thread_id();
		share_note_heaps(++n_attached);
	}
	lock_release(&registry_lock);
	return heap;
}

struct heap *registry_make(void)
{
	lock_acquire(&registry_lock);
	struct heap *heap = create_locked();
	lock_release(&registry_lock);
	return heap;
}

void registry_park(struct heap *heap)
{
	lock_acquire(&registry_lock);
	lock_acquire(&heap->lock);
	FOR_EACH_CLASS (class)
		magazine_regain_locked(&heap->magazines[class]);
	runs_empty_locked(heap, false);
	park_locked(heap);
	lock_release(&heap->lock);
	lock_release(&registry_lock);
}

bool registry_adopt_locked(struct heap *heap, uint32_t class)
{
	if (!parking_may_have(class) || !lock_try(&registry_lock))
		return false;
	bool adopted = parking_adopt_locked(heap, class);
	lock_release(&registry_lock);
	return adopted;
}

bool registry_is_interrupted(void)
{
	bool any = lock_is_mine(&registry_lock) || lock_is_mine(&arena_lock) ||
		   lock_is_mine(&store_lock);
	struct heap *heap = registry_first();
	for (; heap != NULL && !any; heap = heap->next)
		any = lock_is_mine(&heap->lock);
	return any;
}

void registry_lock_all(void)
{
	lock_acquire(&registry_lock);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		lock_acquire(&heap->lock);
	lock_acquire(&arena_lock);
	lock_acquire(&store_lock);
}

void registry_unlock_all(void)
{
	lock_release(&store_lock);
	lock_release(&arena_lock);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		lock_release(&heap->lock);
	lock_release(&registry_lock);
}

void registry_abandon_locks(void)
{
	lock_abandon(&store_lock);
	lock_abandon(&arena_lock);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		lock_abandon(&heap->lock);
	lock_abandon(&registry_lock);
}

uint32_t registry_count(void)
{
	return load_relaxed(&n_heaps);
}

struct heap *registry_first(void)
{
	/* Acquire cites the release of create_locked: its next is there. */
	return load_acquire(&heaps);
}

/*
 * A pool that is away comes back, unless it is the one that forks, in a hook
 * that a loud call has called, who has taken it away.
 */
static void restore_run(void *context, struct region *region, size_t slice,
			size_t n_slices)
{
	struct large_counts *found = context;
	uint32_t entry = region_entry(region, slice);
	(void)n_slices;
	if (entry == CODE_LARGE)
		large_count(found, (uintptr_t)region_descriptor(region, slice),
			    1);
	if (!entry_is_pool(entry))
		return;
	struct pool *pool = region_descriptor(region, slice);
	remote_restore_after_fork(pool);
	if (pool->is_away && !purge_is_loud())
		heap_restore_pool_locked(pool->owner, pool);
}

/* Heaps count a large block before it is one, and after it has been one. */
static void correct_counts(const struct large_counts *found)
{
	struct large_counts *common = &heap_common.large;
	*common = *found;
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next) {
		if (heap == &heap_common)
			continue;
		common->n_blocks -= heap->large.n_blocks;
		common->requested_bytes -= heap->large.requested_bytes;
		common->usable_bytes -= heap->large.usable_bytes;
		common->n_slices -= heap->large.n_slices;
	}
}

/*
 * What other threads were about to take or to give is free; unless the one that
 * forks, in a hook that a loud call has called, is at that itself.
 */
static bool is_kept(void *context, struct region *region, size_t slice,
		    size_t n_slices)
{
	(void)context, (void)n_slices;
	return region_entry(region, slice) != 0 || purge_is_loud();
}

/* Parked after its pools have come back, so that they are found there. */
static void leave_behind_locked(struct heap *heap)
{
	FOR_EACH_CLASS (class)
		forget_magazine(heap, class);
	heap->capacity_bytes = 0;
	heap->single_class = N_CLASSES;
	if (!heap->has_sites && heap != &heap_common)
		park_locked(heap);
}

/*
 * The other threads are gone. Their pools are whole, because we held their
 * locks; their magazines may not be: a fork copies page by page, so of two
 * stores on two pages the child may see the second without the first. What lay
 * in them is left in use for good. Flags and lists are made anew for the same
 * reason, also where no heap was another's: a thread without one, which only
 * frees, may have been about to put a pool into a list.
 *
 * A heap is told by its thread, not by heap_mine: a signal handler that forks
 * may have struck between the two.
 */
void registry_restore_after_fork_locked(bool had_threads)
{
	if (!had_threads)
		return;
	remote_forget_parked_after_fork();
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next) {
		store_relaxed(&heap->flagged, NULL);
		heap->draining = NULL;
		heap->is_flagged = false;
		FOR_EACH_CLASS (class)
			pool_restore_spares_after_fork_locked(
				&heap->spares[class]);
	}
	struct large_counts found = {0};
	arena_visit_locked(restore_run, &found);
	correct_counts(&found);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		if (!heap->is_parked && heap->thread != thread_id())
			leave_behind_locked(heap);
	arena_reclaim_locked(is_kept, NULL);
	pool_restore_shared_spares_after_fork_locked();
}
