/*
 * lock: a small mutex that knows its rank and its owner.
 *
 * Ranks: a thread takes locks in rising rank only, so no two threads can wait
 *        for each other; lock_try may be used against the order, because it
 *        never waits. Builds with --enable-debug check this.
 *
 * The owner serves two ends. A thread that is about to wait for itself (malloc
 * called from a signal handler that interrupted malloc) is told so instead of
 * hanging. And fork() inside such a handler passes over the locks that its own
 * thread holds: parent and child both go on where the signal struck.
 *
 * While the process has one thread no atomic instruction is used.
 */
#ifndef TARN_BASE_LOCK_H
#define TARN_BASE_LOCK_H

#include <pthread.h>

#include "base/atomic.h"
#include "base/attr.h"

#if HAVE_SYS_SINGLE_THREADED_H
#include <sys/single_threaded.h>
#define PROCESS_IS_SINGLE_THREADED __libc_single_threaded
#else
#define PROCESS_IS_SINGLE_THREADED 0
#endif

enum lock_rank {
	LOCK_TRACE = 1,	  /* one trace at a time */
	LOCK_MODULES,	  /* which code and call stacks were met */
	LOCK_REGISTRY,	  /* which heaps there are, which are parked */
	LOCK_HEAP,	  /* one heap's pools and bitmaps */
	LOCK_DESCRIPTORS, /* large blocks; what is spare */
	LOCK_ARENA,	  /* slices of the regions */
	LOCK_STORE,	  /* the metadata store */
};

struct lock {
	/* Atomic: 0 free, else the id of the thread that holds it, with
	 * LOCK_WAITED_FOR if somebody waits. Taken with acquire, let go with
	 * release. One word, so that a signal handler never finds a lock taken
	 * and not yet anybody's. */
	uintptr_t state;
	/* Fixed at creation. */
	uint32_t rank;
	/* Owner only: taken again so often while a fork holds everything. */
	uint32_t n_nested;
	/* Owner only: how often it was taken; for tests and figures. */
	uint64_t n_taken;
};

#define LOCK_WAITED_FOR ((uintptr_t)1)

#define LOCK_INIT(lock_rank)                                                   \
	{                                                                      \
		.rank = (lock_rank)                                            \
	}

/*
 * While fork() runs, its thread holds every lock, and the handlers of others
 * (pthread_atfork) may call malloc in that thread: then its locks nest.
 */
void locks_allow_nesting(bool allow);

/*
 * What a signal handler could not do because it struck while its thread had a
 * lock; called when any thread lets one go. NULL: nothing.
 */
extern HIDDEN void (*lock_deferred)(void);

/* Waits until LOCK is free and takes it; false if it has only nested. */
bool lock_wait(struct lock *lock);
void lock_wake(struct lock *lock);

/*
 * Lets LOCK go if it is the calling thread's, nested or not: what it guards
 * stays as it is. For the way out after a mistake only.
 */
void lock_abandon(struct lock *lock);

#if TARN_DEBUG
void lock_note_taken(const struct lock *lock, bool in_order);
void lock_note_released(const struct lock *lock);

/* That of traces does not count: under it callbacks of the program run, and
 * these call malloc, which never waits for it. */
bool locks_none_held(void);
#else
#define lock_note_taken(lock, in_order) ((void)0)
#define lock_note_released(lock) ((void)0)
#endif

/* Where something is called that another object can interpose: that may call
 * malloc, or wait for a thread that does. */
#define ASSERT_NO_LOCKS() ASSERT(locks_none_held())

/* pthread_self(), without the call where the compiler knows how. */
static inline uintptr_t thread_id(void)
{
#if __has_builtin(__builtin_thread_pointer)
	return (uintptr_t)__builtin_thread_pointer();
#else
	return (uintptr_t)pthread_self();
#endif
}

static inline bool lock_is_mine(const struct lock *lock)
{
	return (load_relaxed(&lock->state) & ~LOCK_WAITED_FOR) == thread_id();
}

/* Takes LOCK if it is free now. */
static inline bool lock_grab(struct lock *lock)
{
	uintptr_t free = 0;
	if (!PROCESS_IS_SINGLE_THREADED)
		return cas_acquire(&lock->state, &free, thread_id());
	if (load_relaxed(&lock->state) != 0)
		return false;
	store_relaxed(&lock->state, thread_id());
	return true;
}

static inline bool lock_try(struct lock *lock)
{
	if (!lock_grab(lock))
		return false;
	lock->n_taken++;
	lock_note_taken(lock, false);
	return true;
}

static inline void lock_acquire(struct lock *lock)
{
	if (LIKELY(lock_grab(lock)) || lock_wait(lock)) {
		lock->n_taken++;
		lock_note_taken(lock, true);
	}
}

static inline void lock_release(struct lock *lock)
{
	if (UNLIKELY(lock->n_nested != 0)) {
		lock->n_nested--;
		return;
	}
	lock_note_released(lock);
	if (PROCESS_IS_SINGLE_THREADED)
		store_relaxed(&lock->state, 0);
	else if (exchange_release(&lock->state, 0) & LOCK_WAITED_FOR)
		lock_wake(lock);
	/* Read once: another thread may be done with it. */
	void (*deferred)(void) = load_relaxed(&lock_deferred);
	if (UNLIKELY(deferred != NULL))
		deferred();
}

#endif
