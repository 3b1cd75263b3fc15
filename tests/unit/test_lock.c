/*
 * lock: mutual exclusion, trying, owners, and the two mistakes it can tell.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "base/lock.h"
#include "base/message.h"

#define THREADS 4
#define ROUNDS 50000

static struct lock lock = LOCK_INIT(LOCK_ARENA);
/* Guarded by lock, on purpose without atomics. */
static unsigned long count;
static unsigned inside, most_inside;

static void *increment(void *argument)
{
	(void)argument;
	for (int i = 0; i < ROUNDS; i++) {
		lock_acquire(&lock);
		inside++;
		if (inside > most_inside)
			most_inside = inside;
		count++;
		inside--;
		lock_release(&lock);
	}
	return NULL;
}

Test(lock, one_thread_at_a_time)
{
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, increment, NULL),
			     0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(count, (unsigned long)THREADS * ROUNDS);
	cr_assert_eq(most_inside, 1);
	cr_assert_eq(lock.state, 0);
}

static void *try_once(void *argument)
{
	(void)argument;
	bool taken = lock_try(&lock);
	if (taken)
		lock_release(&lock);
	return taken ? &lock : NULL;
}

static bool another_thread_gets_it(void)
{
	pthread_t thread;
	void *result;
	cr_assert_eq(pthread_create(&thread, NULL, try_once, NULL), 0);
	pthread_join(thread, &result);
	return result != NULL;
}

Test(lock, a_held_lock_is_refused_to_who_tries)
{
	lock_acquire(&lock);
	cr_assert_not(another_thread_gets_it());
	lock_release(&lock);
	cr_assert(another_thread_gets_it());
}

static void *ask_owner(void *argument)
{
	(void)argument;
	return lock_is_mine(&lock) ? &lock : NULL;
}

Test(lock, it_is_the_holders_and_nobody_elses)
{
	pthread_t thread;
	void *result;
	cr_assert_not(lock_is_mine(&lock));
	lock_acquire(&lock);
	cr_assert(lock_is_mine(&lock));
	cr_assert_eq(pthread_create(&thread, NULL, ask_owner, NULL), 0);
	pthread_join(thread, &result);
	cr_assert_null(result);
	lock_release(&lock);
	cr_assert_not(lock_is_mine(&lock));
}

Test(lock, waiting_for_oneself_is_told, .signal = SIGABRT)
{
	message_set_fd(open("/dev/null", O_WRONLY));
	lock_acquire(&lock);
	lock_acquire(&lock);
}

static void *take_and_keep_errno(void *argument)
{
	errno = 77;
	lock_acquire(&lock);
	*(int *)argument = errno;
	lock_release(&lock);
	return NULL;
}

Test(lock, waiting_keeps_errno)
{
	pthread_t thread;
	int kept = 0;
	lock_acquire(&lock);
	cr_assert_eq(pthread_create(&thread, NULL, take_and_keep_errno, &kept),
		     0);
	/* Until it waits, which the state tells. */
	while (!(load_relaxed(&lock.state) & LOCK_WAITED_FOR))
		cpu_pause();
	lock_release(&lock);
	pthread_join(thread, NULL);
	cr_assert_eq(kept, 77);
}
