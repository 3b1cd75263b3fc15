/*
 * lock: waiting, waking, and the checks of debug builds.
 *
 * Waiting is a futex with the three states of Drepper's "Futexes are tricky":
 * who waits marks the lock as waited for, who releases it wakes one waiter.
 */
#include "base/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/message.h"

/* What lies under a lock takes a microsecond at most, mostly less. */
#define SPINS 64

/* Atomic, relaxed: only the thread that forks is concerned by what it says. */
static bool nesting_allowed;

void locks_allow_nesting(bool allow)
{
	store_relaxed(&nesting_allowed, allow);
}

static void take_waited(struct lock *lock)
{
	while (exchange_acquire(&lock->state, 2) != 0)
		syscall(SYS_futex, &lock->state, FUTEX_WAIT_PRIVATE, 2, NULL);
}

COLD bool lock_wait(struct lock *lock)
{
	if (lock_is_mine(lock)) {
		if (load_relaxed(&nesting_allowed)) {
			lock->n_nested++;
			return false;
		}
		message_abort("malloc was called from a signal handler that "
			      "interrupted malloc");
	}
	int saved_errno = errno;
	bool taken = false;
	for (int i = 0; i < SPINS && !taken; i++) {
		uint32_t free = 0;
		cpu_pause();
		taken = load_relaxed(&lock->state) == 0 &&
			cas_acquire(&lock->state, &free, 1);
	}
	if (!taken)
		take_waited(lock);
	store_relaxed(&lock->owner, thread_id());
	errno = saved_errno;
	return true;
}

COLD void lock_wake(struct lock *lock)
{
	int saved_errno = errno;
	syscall(SYS_futex, &lock->state, FUTEX_WAKE_PRIVATE, 1);
	errno = saved_errno;
}

#if TARN_DEBUG
/* Bit r: this thread holds a lock of rank r. */
static _Thread_local uint32_t ranks_held;

void lock_note_taken(const struct lock *lock, bool in_order)
{
	/* Several heaps are locked at once in the order of the registry, whose
	 * lock is then held. */
	uint32_t above = ~UINT32_C(0) << lock->rank;
	bool many_heaps =
		lock->rank == LOCK_HEAP && (ranks_held & 1u << LOCK_REGISTRY);
	if (in_order && !many_heaps && (ranks_held & above))
		message_abort("lock of rank %u taken under ranks %x",
			      lock->rank, ranks_held);
	ranks_held |= 1u << lock->rank;
}

void lock_note_released(const struct lock *lock)
{
	ranks_held &= ~(1u << lock->rank);
}
#endif
