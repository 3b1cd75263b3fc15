/*
 * adoption: what ended threads leave behind serves the next thread, however
 * many there were. (Of 128 MiB that 256 threads had freed, 93 were not reused.)
 */
#include "promise.h"

#include <malloc.h>
#include <pthread.h>

enum { N_THREADS = 256, SHARE_BYTES = 512 << 10, N_SIZES = 6 };
#define SLACK (8 * MIB)

static const size_t sizes[N_SIZES] = {64, 200, 1000, 3000, 9000, 40000};

enum who { OWNER_FREES, MAIN_FREES };
static enum who who_frees;
static size_t only_size; /* 0: all sizes */

static pthread_barrier_t all_are_full;
static void **first_of[N_THREADS];

/* Blocks of half a MiB in all, chained by their first words. */
static void **fill_share(size_t index)
{
	void **last = NULL;
	size_t n_bytes = 0;
	for (size_t i = index; n_bytes < SHARE_BYTES; i++) {
		size_t size = only_size != 0 ? only_size : sizes[i % N_SIZES];
		void **block = malloc(size);
		if (!EXPECT(block != NULL))
			break;
		promise_touch(block, size);
		*block = last;
		last = block;
		n_bytes += size;
	}
	return last;
}

static void free_chain(void **last)
{
	while (last != NULL) {
		void **block = last;
		last = *block;
		free(block);
	}
}

static void *run_thread(void *argument)
{
	size_t index = (size_t)(uintptr_t)argument;
	void **mine = fill_share(index);
	pthread_barrier_wait(&all_are_full);
	pthread_barrier_wait(&all_are_full);
	if (who_frees == OWNER_FREES)
		free_chain(mine);
	else
		first_of[index] = mine;
	return NULL;
}

/* Returns what was resident when all were full. */
static size_t run_threads(void)
{
	static pthread_t threads[N_THREADS];
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 128 << 10);
	pthread_barrier_init(&all_are_full, NULL, N_THREADS + 1);
	for (size_t i = 0; i < N_THREADS; i++)
		EXPECT(pthread_create(&threads[i], &attributes, run_thread,
				      (void *)(uintptr_t)i) == 0);
	pthread_barrier_wait(&all_are_full);
	size_t bytes = process_resident_bytes();
	pthread_barrier_wait(&all_are_full);
	for (size_t i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	return bytes;
}

/* The program runs in children: each begins with a heap of its own. */
static void is_reused(const char *name, enum who who, size_t size)
{
	if (promise_is_parent())
		return;
	who_frees = who;
	only_size = size;
	size_t full = run_threads();
	for (size_t i = 0; i < N_THREADS; i++)
		if (who == MAIN_FREES)
			free_chain(first_of[i]);
	for (size_t i = 0; i < N_THREADS; i++)
		fill_share(i);
	size_t again = process_resident_bytes();
	if (!(again < full + SLACK))
		promise_broken(
			"%s: resident %zu MiB with the threads, %zu after\n",
			name, promise_mib(full), promise_mib(again));
	promise_end();
}

int main(int argc, char **argv)
{
	(void)argc;
	expect_tarn();
	promise_options(argv, "decay:never,cache:1t");
	is_reused("freed by the thread", OWNER_FREES, 0);
	is_reused("freed by main", MAIN_FREES, 0);
	is_reused("64-byte blocks", OWNER_FREES, 64);
	is_reused("1000-byte blocks freed by main", MAIN_FREES, 1000);
	is_reused("9000-byte blocks", OWNER_FREES, 9000);
	is_reused("100000-byte blocks", OWNER_FREES, 100000);
	return expect_status();
}
