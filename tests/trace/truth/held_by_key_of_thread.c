/*
 * held_by_key_of_thread: by pthread_setspecific in another thread, with one
 * of the first keys, and with one of the others.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

static int ready;

static void work(void)
{
	pthread_key_t key;
	for (int i = 0; i < 40; i++) {
		require(pthread_key_create(&key, NULL) == 0);
		if (i == 0 || i == 39)
			pthread_setspecific(key, new_chain(2));
	}
}

static void *body(void *unused)
{
	(void)unused;
	certainly(work);
	raise_flag(&ready);
	block_for_good();
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
