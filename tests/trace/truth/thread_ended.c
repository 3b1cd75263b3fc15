/*
 * thread_ended: only the stack of a thread that has ended held it; libc keeps
 * the stack for the next thread.
 *
 * expect: lost count=1 blocks=1 retained=2
 * flags: -pthread
 */
#include "truth.h"

static void *body(void *unused)
{
	(void)unused;
	void *volatile held = new_chain(2);
	(void)held;
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
