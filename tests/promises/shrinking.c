/*
 * shrinking: a large block made small keeps the pages of the small one, not its
 * own. (2 GiB made 8 KiB kept 2 GiB until something else was freed.)
 */
#include "promise.h"

#include <pthread.h>

#define SLACK (64 * MIB)

static char *grow_to(size_t bytes)
{
	size_t n = 4096;
	char *block = malloc(n);
	for (promise_touch(block, n); n < bytes; n *= 2) {
		block = realloc(block, n * 2);
		if (!EXPECT(block != NULL))
			return NULL;
		promise_touch(block + n, n);
	}
	return block;
}

static void keeps_little(char *block, size_t bytes, size_t before)
{
	block[0] = 77;
	block = realloc(block, bytes);
	EXPECT(block != NULL && block[0] == 77);
	for (int i = 0; i < 40; i++) {
		if (process_resident_bytes() <= before + bytes + SLACK)
			break;
		usleep(100000);
	}
	size_t after = process_resident_bytes();
	if (!(after <= before + bytes + SLACK))
		promise_broken("made %zu B: resident %zu MiB\n", bytes,
			       promise_mib(after));
	free(block);
}

static void *shrink_in_thread(void *argument)
{
	size_t bytes = *(size_t *)argument;
	size_t before = process_resident_bytes();
	keeps_little(grow_to(512 * MIB), bytes, before);
	return NULL;
}

int main(void)
{
	static size_t sizes[] = {1, 100, 8192, 40000, 100000, MIB, 30 * MIB};
	expect_tarn();
	free(malloc(1));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (promise_is_parent())
			continue;
		pthread_t thread;
		if (i % 2 == 0) {
			shrink_in_thread(&sizes[i]);
		} else {
			pthread_create(&thread, NULL, shrink_in_thread,
				       &sizes[i]);
			pthread_join(thread, NULL);
		}
		promise_end();
	}
	return expect_status();
}
