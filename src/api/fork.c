/*
 * fork: the whole protocol.
 *
 * The child has one thread, and memory as it was when the kernel copied it. So
 * that it finds the heap whole, the thread that forks holds all locks of tarn's
 * while it does so. What else is locked then, and in which order, decides
 * whether a fork can hang:
 *
 *	1. handlers of others (pthread_atfork): they take the locks of their
 *	   libraries, under which these call malloc
 *	2. the lock of traces, under which the program's callback runs, which
 *	   may open files
 *	3. the lock of stdio's list of files
 *	4. the locks of the heap, in rank order
 *	5. libc forks
 *	6. the same backwards: in the parent released; in the child made anew
 *	   or released
 *
 * 1 before 4: prepare handlers run from the last registered to the first, those
 * for parent and child from the first to the last. So ours must be registered
 * before all others: at the first malloc, and before anybody registers any.
 * Whoever does comes by preload/atfork.c, which calls fork_watch() first.
 *
 * 3 before 4: libc takes the list's lock in any fork of a process with threads,
 * after all handlers. If it came after 4, as libc does that by itself, then
 *
 *	fork		holds the heap's locks, waits for the list's
 *	fflush(NULL)	holds the list's lock, waits for a file's
 *	getline		holds the file's lock, waits in realloc for the heap's
 *
 * would wait in a circle (glibc met it with its own malloc, bug 19431). So the
 * handler takes it first; the lock is recursive, and libc takes it once more.
 * In the parent libc releases it once, and then we do. In the child libc has
 * made it anew, so that we must not release it: glibc counts, and a count of
 * -1 would leave the lock taken for good by who takes it next. We make it anew
 * once more, which also serves a libc that saw one thread where we saw more.
 *
 * Nobody who holds a lock of the heap's waits for 1, 2 or 3: under those locks
 * nothing is called that is not tarn's own.
 *
 * One gap is left. glibc 2.36 and later release the lock of the list of
 * handlers while a handler runs, and take it again after ours. Another thread
 * that registers the 49th handler in that moment, or the 97th and so on, holds
 * it while it calls malloc. (Under its lock of name services, which libc takes
 * after ours as well, it calls none.)
 *
 * With one thread libc takes none of its locks, and neither do we those of
 * libc: a handler of a signal may then fork wherever it struck.
 *
 * In a signal handler that struck inside malloc, or inside another fork, a fork
 * must not wait for others, who may wait for its thread: it takes nothing and
 * gives nothing back. The child may then only call what is async-signal-safe,
 * or return from the handler and go on where the signal struck.
 *
 * While the fork holds all locks, its own thread may come back to malloc: other
 * handlers run between ours where tarn was loaded late. The locks then nest.
 *
 * vfork, posix_spawn, _Fork and bare clone call no handlers: the first two
 * share the memory, in the child of the others only what is async-signal-safe
 * may be called.
 */
#include "api/fork.h"

#include <pthread.h>

#include "api/collect.h"
#include "api/leaks.h"
#include "api/live.h"
#include "base/atomic.h"
#include "base/attr.h"
#include "base/lock.h"
#include "heap/decay.h"
#include "heap/registry.h"
#include "watch/modules.h"

/* Of glibc; other C libraries have none, and lock in an order of their own. */
#define DEFINED_BY_LIBC __attribute__((weak, visibility("default")))

DEFINED_BY_LIBC void _IO_list_lock(void);
DEFINED_BY_LIBC void _IO_list_unlock(void);
DEFINED_BY_LIBC void _IO_list_resetlock(void);

/* Atomic, relaxed: who holds all locks for a fork; compared with oneself. */
static uintptr_t forking_thread;
/* Of the forking thread: forks of handlers that struck inside its own. */
static unsigned n_forks_within;
/* Guarded by the lock of traces, from before the fork to after it. */
static bool had_threads, has_list_lock;
/* The same: false if the thread had that lock already. */
static bool has_trace_lock;

static void lock_all(void)
{
	has_trace_lock = leaks_lock();
	had_threads = !PROCESS_IS_SINGLE_THREADED;
	has_list_lock = had_threads && _IO_list_lock != NULL &&
			_IO_list_unlock != NULL && _IO_list_resetlock != NULL;
	if (has_list_lock)
		_IO_list_lock();
	lock_acquire(&modules_lock);
	registry_lock_all();
}

static void unlock_heap(void)
{
	registry_unlock_all();
	lock_release(&modules_lock);
}

static void before_fork(void)
{
	if (registry_is_interrupted() || lock_is_mine(&modules_lock)) {
		if (load_relaxed(&forking_thread) == thread_id())
			n_forks_within++;
		return;
	}
	lock_all();
	n_forks_within = 0;
	locks_allow_nesting(true);
	store_relaxed(&forking_thread, thread_id());
}

/* True if this fork is one that took the locks. */
static bool end_fork(void)
{
	if (load_relaxed(&forking_thread) != thread_id())
		return false;
	if (n_forks_within > 0) {
		n_forks_within--;
		return false;
	}
	store_relaxed(&forking_thread, 0);
	locks_allow_nesting(false);
	return true;
}

static void after_fork_in_parent(void)
{
	if (!end_fork())
		return;
	unlock_heap();
	if (has_list_lock)
		_IO_list_unlock();
	if (has_trace_lock)
		leaks_unlock();
}

static void after_fork_in_child(void)
{
	leaks_after_fork_in_child();
	collect_after_fork_in_child();
	live_after_fork_in_child();
	if (!end_fork())
		return;
	registry_restore_after_fork_locked(had_threads);
	decay_restore_after_fork();
	unlock_heap();
	if (has_list_lock)
		_IO_list_resetlock();
	if (has_trace_lock)
		leaks_unlock();
}

/* The flag first: registering comes by here again. There is one thread yet, or
 * tarn was loaded late. */
void fork_watch(void)
{
	static bool is_watching;
	if (__atomic_exchange_n(&is_watching, true, __ATOMIC_RELAXED))
		return;
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}
