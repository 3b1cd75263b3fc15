/*
 * large_heaps: what mallinfo2 costs does not grow with the heap beyond a
 * millisecond at 4 GiB, and it does not ask the kernel about the memory of
 * blocks. tarn_stats_get, which tells what is resident, does, but with no lock
 * held. (They took 51 ms at 4 GiB, with all locks held.)
 */
#include "steps.h"

#include <malloc.h>
#include <pthread.h>

#include "promise.h"
#include "tarn.h"

/* A part of 4 GiB, and of what may be executed in a millisecond. */
#define HEAP_BYTES (128 * MIB)
enum { LIMIT = STEPS_LIMIT(94000), N_CALLS_MAX = 8, N_THREADS = 16 };

/* A byte of mincore's for each page is looked at, and no call more than for
 * each 4 MiB, and for what is mapped apart. */
enum {
	LIMIT_OF_PAGES = LIMIT + STEPS_LIMIT(16) * (int)(HEAP_BYTES / 4096),
	N_CALLS_OF_PAGES = N_CALLS_MAX + (int)(HEAP_BYTES / (4 * MIB))
};

/* By then a child waits for a lock of its own. */
enum { DEAD_S = 600 };

static int (*stats_get)(struct tarn_stats *, size_t);

static void ask_mallinfo2(void)
{
	struct mallinfo2 info = mallinfo2();
	EXPECT(info.uordblks > 0);
}

static void ask_stats(void)
{
	struct tarn_stats stats;
	EXPECT(stats_get(&stats, sizeof(stats)) == 0);
}

/*
 * To be called where the kernel is asked: the slow paths of malloc and free,
 * and mallinfo2, take every lock there is, which would wait for good.
 */
static void take_all_locks(long number)
{
	if (number != SYS_mincore)
		return;
	void *block = malloc(5 * MIB);
	EXPECT(block != NULL);
	free(block);
	ask_mallinfo2();
}

static void mallinfo2_is_cheap(const char *heap)
{
	ask_mallinfo2();
	steps_begin(LIMIT);
	ask_mallinfo2();
	steps_end();
	steps_expect(heap, N_CALLS_MAX);
	if (!(steps.calls[SYS_mincore] == 0))
		promise_broken("mallinfo2, %s: %u calls of mincore\n", heap,
			       steps.calls[SYS_mincore]);
}

static void stats_ask_without_a_lock(const char *heap)
{
	ask_stats();
	steps_at_call = take_all_locks;
	steps_begin(LIMIT_OF_PAGES);
	ask_stats();
	steps_end();
	steps_at_call = NULL;
	steps_expect(heap, N_CALLS_OF_PAGES);
	EXPECT(steps.calls[SYS_mincore] > 0);
}

/* Of the blocks of a thread, those that are freed are free in their pools. */
struct share {
	size_t block_bytes, bytes, n_freed_of_8;
};

static void *take_share(void *argument)
{
	const struct share *share = argument;
	size_t n = share->bytes / share->block_bytes;
	void **blocks = promise_table(n * sizeof(*blocks));
	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(share->block_bytes);
		*(volatile char *)blocks[i] = 1;
	}
	for (size_t i = 0; i < n; i++)
		if (i % 8 < share->n_freed_of_8)
			free(blocks[i]);
	munmap(blocks, n * sizeof(*blocks));
	return NULL;
}

static void with_heap(const char *name, size_t block_bytes, size_t n_freed_of_8,
		      size_t n_threads)
{
	if (promise_is_parent())
		return;
	alarm(DEAD_S);
	struct share share = {block_bytes, HEAP_BYTES / n_threads,
			      n_freed_of_8};
	pthread_t threads[N_THREADS];
	for (size_t i = 0; i < n_threads; i++)
		pthread_create(&threads[i], NULL, take_share, &share);
	for (size_t i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	mallinfo2_is_cheap(name);
	stats_ask_without_a_lock(name);
	promise_end();
}

int main(void)
{
	expect_tarn();
	*(void **)&stats_get = dlsym(RTLD_DEFAULT, "tarn_stats_get");
	with_heap("64-byte blocks", 64, 0, 1);
	with_heap("64-byte blocks, half of them free", 64, 4, 1);
	with_heap("3000-byte blocks of 16 threads", 3000, 2, N_THREADS);
	with_heap("100000-byte blocks, some freed", 100000, 3, 2);
	return expect_status();
}
