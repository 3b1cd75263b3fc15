/*
 * giving_back: what is free goes back to the system, at once when asked to and
 * by itself after a while: also the free pages between blocks in use.
 */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "pattern.h"
#include "process.h"

enum { N_BLOCKS = 20000, BLOCK_MAX = 32768, ONE_IN = 10 };

static char *blocks[N_BLOCKS];
static size_t sizes[N_BLOCKS];

static size_t fill_all(void)
{
	size_t bytes = 0;
	uint64_t seed = 7;
	for (size_t i = 0; i < N_BLOCKS; i++) {
		sizes[i] = pattern_random(&seed) % BLOCK_MAX + 1;
		blocks[i] = malloc(sizes[i]);
		memset(blocks[i], (int)i, sizes[i]);
		bytes += sizes[i];
	}
	return bytes;
}

/* Frees nine blocks of ten, at random. Returns the bytes that are left. */
static size_t free_most(void)
{
	size_t left = 0;
	uint64_t seed = 8;
	for (int i = 0; i < N_BLOCKS; i++) {
		if (pattern_random(&seed) % ONE_IN == 0) {
			left += sizes[i];
			continue;
		}
		free(blocks[i]);
		blocks[i] = NULL;
	}
	return left;
}

static void the_rest_is_whole(void)
{
	for (int i = 0; i < N_BLOCKS; i++) {
		for (size_t j = 0; blocks[i] != NULL && j < sizes[i]; j++)
			if (!EXPECT(blocks[i][j] == (char)i))
				break;
		free(blocks[i]);
		blocks[i] = NULL;
	}
}

/* Of each block that is left, the pages at its ends are shared with free ones.
 * */
static size_t limit_for(size_t before, size_t left)
{
	return before + left * 3 / 2 + N_BLOCKS / ONE_IN * (size_t)4096 +
	       4 * MIB;
}

static void trim_gives_pages_back(void)
{
	size_t before = process_resident_bytes();
	size_t all = fill_all();
	EXPECT(process_resident_bytes() > before + all / 10 * 9);
	size_t left = free_most();
	EXPECT(malloc_trim(0) == 1);
	size_t resident = process_resident_bytes();
	if (!EXPECT(resident < limit_for(before, left)))
		dprintf(STDOUT_FILENO, "resident %zu, before %zu, left %zu\n",
			resident, before, left);
	the_rest_is_whole();
	malloc_trim(0);
	EXPECT(process_resident_bytes() < before + 4 * MIB);
}

/* The same by itself, while the program does something else. */
static void time_gives_pages_back(void)
{
	enum { WAIT_US = 20000, N_WAITS = 3000 };
	size_t before = process_resident_bytes();
	fill_all();
	size_t limit = limit_for(before, free_most());
	for (int i = 0; i < N_WAITS && process_resident_bytes() >= limit; i++) {
		usleep(WAIT_US);
		for (size_t size = 1; size < 300000; size *= 2)
			free(malloc(size));
	}
	EXPECT(process_resident_bytes() < limit);
	the_rest_is_whole();
	for (int i = 0;
	     i < N_WAITS && process_resident_bytes() >= before + 8 * MIB; i++) {
		usleep(WAIT_US);
		for (size_t size = 1; size < 300000; size *= 2)
			free(malloc(size));
	}
	EXPECT(process_resident_bytes() < before + 8 * MIB);
}

static void *fill_and_leave(void *argument)
{
	fill_all();
	return argument;
}

/* A thread has filled the memory and ended, and another frees it. */
static void memory_of_ended_threads_goes_back(void)
{
	pthread_t thread;
	size_t before = process_resident_bytes();
	EXPECT(pthread_create(&thread, NULL, fill_and_leave, NULL) == 0);
	pthread_join(thread, NULL);
	size_t left = free_most();
	malloc_trim(0);
	EXPECT(process_resident_bytes() < limit_for(before, left));
	the_rest_is_whole();
	malloc_trim(0);
	EXPECT(process_resident_bytes() < before + 4 * MIB);
}

int main(void)
{
	expect_tarn();
	free(malloc(1));
	trim_gives_pages_back();
	trim_gives_pages_back();
	time_gives_pages_back();
	memory_of_ended_threads_goes_back();
	return expect_status();
}
