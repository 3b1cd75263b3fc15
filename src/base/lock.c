/*
 * lock: waiting, waking, and the checks of debug builds.
 *
 * Waiting is a futex, after Drepper's "Futexes are tricky":
 * who waits marks the lock as waited for, who releases it wakes one waiter.
 */
#include "base/lock.h"

#include <linux/futex.h>

#include "base/message.h"
#include "base/syscall.h"

/* What lies under a lock takes a microsecond at most, mostly less. */
#define SPINS 64

/* Atomic, relaxed: only the thread that forks is concerned by what it says. */
static bool nesting_allowed;

void (*lock_deferred)(void);

void locks_allow_nesting(bool allow)
{
	store_relaxed(&nesting_allowed, allow);
}

/* The half of the state that the kernel compares: thread ids differ there or
 * not, what counts is that the bit for waiters is in it. */
static uint32_t *futex_word(struct lock *lock)
{
	uint32_t *halves = (uint32_t *)&lock->state;
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		       ? halves
		       : halves + sizeof(lock->state) / sizeof(*halves) - 1;
}

/* Others may wait as well, so who has waited takes the lock as waited for. */
static void take_waited(struct lock *lock)
{
	for (;;) {
		uintptr_t state = load_relaxed(&lock->state);
		if (state == 0) {
			if (cas_acquire(&lock->state, &state,
					thread_id() | LOCK_WAITED_FOR))
				return;
			continue;
		}
		uintptr_t waited = state | LOCK_WAITED_FOR;
		if (state == waited ||
		    cas_relaxed(&lock->state, &state, waited))
			os_syscall(SYS_futex, futex_word(lock),
				   FUTEX_WAIT_PRIVATE, (uint32_t)waited);
	}
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
	bool taken = false;
	for (int i = 0; i < SPINS && !taken; i++) {
		cpu_pause();
		taken = load_relaxed(&lock->state) == 0 && lock_grab(lock);
	}
	if (!taken)
		take_waited(lock);
	return true;
}

COLD void lock_wake(struct lock *lock)
{
	os_syscall(SYS_futex, futex_word(lock), FUTEX_WAKE_PRIVATE, 1);
}

COLD void lock_abandon(struct lock *lock)
{
	if (!lock_is_mine(lock))
		return;
	lock->n_nested = 0;
	lock_note_released(lock);
	if (exchange_release(&lock->state, 0) & LOCK_WAITED_FOR)
		lock_wake(lock);
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

bool locks_none_held(void)
{
	return (ranks_held & ~(1u << LOCK_TRACE)) == 0;
}
#endif
