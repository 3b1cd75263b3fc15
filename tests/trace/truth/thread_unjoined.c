/*
 * thread_unjoined: what a thread has returned that nobody has joined yet, its
 * descriptor alone holds it; what a detached one returned nobody does.
 *
 * expect: lost count=1 blocks=1 retained=1
 * flags: -pthread
 */
#include "truth.h"

static pthread_t joinable;

static void *body(void *is_detached)
{
	if (is_detached)
		pthread_detach(pthread_self());
	return is_detached ? new_node(NULL) : new_chain(3);
}

static void work(void)
{
	pthread_t detached;
	require(pthread_create(&joinable, NULL, body, NULL) == 0);
	usleep(50000);
	require(pthread_create(&detached, NULL, body, &joinable) == 0);
	usleep(50000);
}

int main(void)
{
	certainly(work);
	return 0;
}
