/*
 * registry: which heaps there are, and which wait for a thread.
 *
 * A heap is never freed. When its thread ends it is parked whole, and the next
 * new thread takes it over as it is. Pools of parked heaps that nobody took
 * over are adopted one by one by living heaps that need one.
 */
#ifndef TARN_HEAP_REGISTRY_H
#define TARN_HEAP_REGISTRY_H

#include "base/attr.h"
#include "heap/heap.h"

struct lock;
extern struct lock registry_lock;

/*
 * A parked heap or a new one for the caller's use; NULL if the OS refuses. The
 * caller attaches it to its thread (heap_mine) or gives it back soon.
 */
struct heap *registry_take(void);

/* A new heap that is nobody's; NULL if the OS refuses. */
struct heap *registry_make(void);

/* Parks HEAP, which the caller has taken. */
void registry_park(struct heap *heap);

/*
 * Lets HEAP, which the caller has locked, adopt a pool of CLASS, if one is to
 * be had without waiting.
 */
bool registry_adopt_locked(struct heap *heap, uint32_t class);

/*
 * Stops every slow path in the process: takes the locks of the registry, of all
 * heaps, of arenas and the store, in that order.
 */
void registry_lock_all(void);
void registry_unlock_all(void);

/* True if this thread holds one of them: a signal struck inside malloc. */
bool registry_is_interrupted(void);

/* Lets go of those that this thread holds, before it aborts. */
void registry_abandon_locks(void);

/* How many heaps there are, parked or not; at least 1 if the caller has one. */
uint32_t registry_count(void);

/*
 * The heaps, through heap->next: new ones come before the first, and none ever
 * goes, so that nothing need be locked.
 */
struct heap *registry_first(void);

/*
 * In the child of a fork, before the locks are released: parks every other
 * heap. HAD_THREADS says that the parent may have had another thread.
 */
void registry_restore_after_fork_locked(bool had_threads);

/*
 * What lay in magazines that a fork left behind, and what had lain there
 * before: words that may point to blocks which are in use for good.
 */
void registry_visit_forgotten_locked(void (*visit)(void *context,
						   void *const *words,
						   size_t n),
				     void *context);

#endif
