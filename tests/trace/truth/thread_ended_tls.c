/*
 * thread_ended_tls: only the thread-local storage of a thread that has ended
 * held it; libc keeps the memory for the next thread.
 *
 * expect: lost count=1 blocks=1 retained=2
 * flags: -pthread
 */
#include "truth.h"

static __thread void *volatile kept;

static void *body(void *unused)
{
	(void)unused;
	kept = new_chain(2);
	return NULL;
}

static void work(void)
{
	require(pthread_join(start_thread(body), NULL) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
