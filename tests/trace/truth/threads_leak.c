/*
 * threads_leak: eight threads leak a hundred cycles each, and end.
 *
 * expect: cycle count=800 blocks=1600 retained=1600
 * expect: findings cycle=1
 * flags: -pthread
 */
#include "truth.h"

#define N 8

static void leak(void)
{
	for (int i = 0; i < 100; i++)
		new_ring(2);
}

static void *body(void *unused)
{
	(void)unused;
	certainly(leak);
	return NULL;
}

static void work(void)
{
	pthread_t threads[N];
	for (int i = 0; i < N; i++)
		threads[i] = start_thread(body);
	for (int i = 0; i < N; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	certainly(work);
	return 0;
}
