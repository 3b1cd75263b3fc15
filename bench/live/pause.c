/*
 * pause: a heap of so many MiB in small blocks, and threads that wait.
 *
 * usage: pause MIB THREADS
 *
 * It says "ready", and sleeps.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct block {
	struct block *next;
	char rest[];
};

struct block *root; /* not static: what only it holds is in use */

static void build(uint64_t mib)
{
	uint64_t state = 88172645463325252u;
	for (uint64_t bytes = 0; bytes < mib << 20;) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		size_t size = 16 + state % 1000;
		struct block *block = malloc(size);
		if (!block)
			exit(1);
		memset(block->rest, 1, size - sizeof(*block));
		block->next = root;
		root = block;
		bytes += size;
	}
}

static void *sleep_for_good(void *nothing)
{
	for (;;)
		sleep(1000);
	return nothing;
}

int main(int n, char **arguments)
{
	if (n != 3)
		return 2;
	build(strtoull(arguments[1], NULL, 10));
	for (int i = 1; i < atoi(arguments[2]); i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, sleep_for_good, NULL) != 0)
			return 1;
	}
	puts("ready");
	fflush(stdout);
	sleep_for_good(NULL);
	return 0;
}
