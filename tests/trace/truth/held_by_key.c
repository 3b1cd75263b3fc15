/*
 * held_by_key: by pthread_setspecific, with one of the first keys, which are
 * stored in the thread's descriptor, and with one of the others, which are
 * not.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

static void work(void)
{
	pthread_key_t key;
	for (int i = 0; i < 40; i++) {
		require(pthread_key_create(&key, NULL) == 0);
		if (i == 0 || i == 39)
			pthread_setspecific(key, new_chain(2));
	}
}

int main(void)
{
	certainly(work);
	return 0;
}
