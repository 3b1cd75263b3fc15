/*
 * locked_all PRE: mlockall(MCL_CURRENT | MCL_FUTURE), as real-time programs do
 * it, then blocks of many sizes, and a thread. Prints what is resident at the
 * end, in KiB, and how many of the blocks there were. PRE are blocks taken
 * before.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../preload/process.h"

static size_t n_taken;

static void take(size_t n, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		void *block = malloc(size);
		if (block == NULL)
			continue;
		memset(block, 1, size);
		n_taken++;
	}
}

static void *take_in_thread(void *argument)
{
	take(4, 50000);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	take(argc == 2 ? strtoul(argv[1], NULL, 10) : 1, 100);
	int locked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
	take(50, 60000);
	take(1000, 40);
	take(300, 1000);
	if (pthread_create(&thread, NULL, take_in_thread, NULL) == 0)
		pthread_join(thread, NULL);
	take(300, 100000);
	dprintf(STDOUT_FILENO, "%zu %zu %d\n", process_resident_bytes() >> 10,
		n_taken, locked);
	return 0;
}
