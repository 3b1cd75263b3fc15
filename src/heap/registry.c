/*
 * registry: the list of heaps, parking and taking over.
 *
 * Law:   a heap is in `heaps` from its creation on, and in `parked` exactly
 *        while no thread has it.
 * Locks: registry_lock guards the lists. Parked heaps are worked on under it
 *        and their own lock; heaps with a thread under their own lock only.
 */
#include "heap/registry.h"

#include "base/atomic.h"
#include "heap/arena.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/remote.h"
#include "meta/store.h"

#define HEAP_ID_MAX ((1u << 24) - 1)

/* How many parked heaps are asked for a pool before a new one is made. */
#define ADOPT_TRIES 8

static struct lock registry_lock = LOCK_INIT(LOCK_REGISTRY);

/* Guarded by registry_lock. `parked` is also compared with NULL, and n_heaps
 * read, without it. */
static struct heap *heaps;
static struct heap *parked;
static uint32_t n_heaps;

/*
 * Guarded by registry_lock: arrays of magazines of threads that a fork left
 * behind, linked by the word before their first block, which tells their size
 * too: they are aligned to cache lines.
 */
static uintptr_t forgotten;

static void forget_magazine(struct heap *heap, uint32_t class)
{
	if (heap->magazine_log[class] == 0)
		return;
	uintptr_t *array =
		(uintptr_t *)(heap->limit[class] -
			      magazine_capacity(heap->magazine_log[class])) -
		1;
	*array = forgotten;
	forgotten = (uintptr_t)array | heap->magazine_log[class];
}

void registry_visit_forgotten_locked(void (*visit)(void *context,
						   void *const *words,
						   size_t n),
				     void *context)
{
	for (uintptr_t at = forgotten; at != 0;) {
		const uintptr_t *array =
			(const uintptr_t *)(at & ~(uintptr_t)(CACHE_LINE - 1));
		unsigned log = (unsigned)(at & (CACHE_LINE - 1));
		visit(context, (void *const *)(array + 1),
		      magazine_capacity(log));
		at = *array;
	}
}

static void clear_magazine(struct heap *heap, uint32_t class)
{
	heap->top[class] = MAGAZINE_NONE_TOP;
	heap->limit[class] = MAGAZINE_NONE_TOP;
	heap->magazine_log[class] = 0;
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
		clear_magazine(heap, class);
	heap->single_class = N_CLASSES;
	heap->next = heaps;
	heaps = heap;
	return heap;
}

static void park_locked(struct heap *heap)
{
	heap->is_parked = true;
	heap->next_parked = parked;
	store_relaxed(&parked, heap);
}

struct heap *registry_take(void)
{
	lock_acquire(&registry_lock);
	struct heap *heap = parked;
	if (heap != NULL) {
		store_relaxed(&parked, heap->next_parked);
		heap->is_parked = false;
	} else {
		heap = create_locked();
	}
	if (heap != NULL)
		heap->thread = thread_id();
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
	park_locked(heap);
	lock_release(&registry_lock);
}

bool registry_adopt_locked(struct heap *heap, uint32_t class)
{
	if (load_relaxed(&parked) == NULL || !lock_try(&registry_lock))
		return false;
	bool adopted = false;
	int tries = ADOPT_TRIES;
	for (struct heap *from = parked; from != NULL && tries-- > 0;
	     from = from->next_parked) {
		if (!lock_try(&from->lock))
			continue;
		/* What lies in its magazines may be of that very pool. */
		heap_drain_locked(from);
		heap_empty_magazines_locked(from);
		adopted = heap_adopt_pool_locked(heap, from, class);
		lock_release(&from->lock);
		if (adopted)
			break;
	}
	lock_release(&registry_lock);
	return adopted;
}

bool registry_is_interrupted(void)
{
	bool any = lock_is_mine(&registry_lock) || lock_is_mine(&large_lock) ||
		   lock_is_mine(&arena_lock) || lock_is_mine(&store_lock);
	for (struct heap *heap = heaps; heap != NULL && !any; heap = heap->next)
		any = lock_is_mine(&heap->lock);
	return any;
}

void registry_lock_all(void)
{
	lock_acquire(&registry_lock);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		lock_acquire(&heap->lock);
	lock_acquire(&large_lock);
	lock_acquire(&arena_lock);
	lock_acquire(&store_lock);
}

void registry_unlock_all(void)
{
	lock_release(&store_lock);
	lock_release(&arena_lock);
	lock_release(&large_lock);
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next)
		lock_release(&heap->lock);
	lock_release(&registry_lock);
}

uint32_t registry_count(void)
{
	return load_relaxed(&n_heaps);
}

struct heap *registry_first_locked(void)
{
	return heaps;
}

static void restore_run(void *context, struct region *region, size_t slice,
			size_t n_slices)
{
	(void)context, (void)n_slices;
	uint32_t class = entry_class(region_entry(region, slice));
	if (region_entry(region, slice) != 0 && class < N_CLASSES)
		remote_restore_after_fork(region_descriptor(region, slice));
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
	for (struct heap *heap = heaps; heap != NULL; heap = heap->next) {
		store_relaxed(&heap->flagged, NULL);
		heap->draining = NULL;
		if (heap->is_parked || heap->thread == thread_id())
			continue;
		FOR_EACH_CLASS (class) {
			forget_magazine(heap, class);
			clear_magazine(heap, class);
		}
		heap->capacity_bytes = 0;
		heap->single_class = N_CLASSES;
		if (!heap->has_sites)
			park_locked(heap);
	}
	arena_visit_locked(restore_run, NULL);
	pool_restore_spares_after_fork_locked();
}

static bool purge_heap(struct heap *heap, bool all, size_t limit,
		       size_t *purged)
{
	if (all)
		lock_acquire(&heap->lock);
	else if (!lock_try(&heap->lock))
		return true;
	heap_drain_locked(heap);
	if (heap->is_parked)
		heap_empty_magazines_locked(heap);
	bool finished = heap_purge_locked(heap, all, limit, purged);
	lock_release(&heap->lock);
	return finished;
}

bool registry_purge(bool all, size_t limit, size_t *purged)
{
	size_t before = *purged;
	bool finished = true;
	if (all)
		lock_acquire(&registry_lock);
	else if (!lock_try(&registry_lock))
		return true;
	for (struct heap *heap = heaps; heap != NULL && finished;
	     heap = heap->next) {
		size_t done = *purged - before;
		finished = purge_heap(heap, all,
				      limit > done ? limit - done : 0, purged);
	}
	lock_release(&registry_lock);
	return finished;
}
