/*
 * traffic: the kinds of work, and the counting.
 *
 * All threads do the work twice; between and after they wait for who reads the
 * locks' counters, so that nobody writes to these meanwhile.
 */
#include "locks/traffic.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/lock.h"
#include "tarn.h"

enum { THREADS_MAX = 64, BLOCKS_MAX = 2048, N_PAIRS = 32768 };

/* Where there is none of that name, it counts nothing. */
extern struct lock arena_lock, store_lock;
extern struct lock large_lock __attribute__((weak));
extern struct lock registry_lock __attribute__((weak));

const char *const traffic_lock_names[TRAFFIC_LOCKS] = {"arena", "store",
						       "large", "registry"};

/* Blocks of one thread; of the pair's first where they are handed over. */
static struct {
	void *blocks[BLOCKS_MAX];
	size_t sizes[BLOCKS_MAX];
	/* Atomic: the taker releases a full table, the freer an empty one. */
	bool is_full;
	uint64_t random;
	/* Owner thread only. */
	uint64_t n_operations;
} parts[THREADS_MAX];

static const struct traffic_work *work;
static pthread_barrier_t barrier;

/* splitmix64 */
static uint64_t draw(unsigned part)
{
	uint64_t z = (parts[part].random += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void take(unsigned part, size_t i)
{
	size_t size =
		work->least + draw(part) % (work->largest - work->least + 1);
	char *block = tarn_malloc(size);
	if (block == NULL)
		abort();
	block[0] = 1;
	parts[part].blocks[i] = block;
	parts[part].sizes[i] = size;
	parts[part].n_operations++;
}

static void give(unsigned part, size_t i)
{
	if (parts[part].blocks[i] == NULL)
		return;
	tarn_free(parts[part].blocks[i]);
	parts[part].blocks[i] = NULL;
	parts[part].n_operations++;
}

static void replace(unsigned part)
{
	for (size_t n = 0; n < N_PAIRS; n++) {
		size_t i = draw(part) % work->n_blocks;
		give(part, i);
		take(part, i);
	}
}

static void burst(unsigned part)
{
	for (size_t n = 0; n < N_PAIRS; n += work->n_blocks) {
		for (size_t i = 0; i < work->n_blocks; i++)
			take(part, i);
		for (size_t i = 0; i < work->n_blocks; i++)
			give(part, i);
	}
}

static void await(unsigned part, bool is_full)
{
	while (load_acquire(&parts[part].is_full) != is_full)
		sched_yield();
}

/* Even parts take, the odd ones after them free. */
static void hand_over(unsigned part)
{
	unsigned taker = part & ~1u;
	for (size_t n = 0; n < N_PAIRS; n += work->n_blocks) {
		await(taker, part != taker);
		for (size_t i = 0; i < work->n_blocks; i++)
			if (part == taker)
				take(taker, i);
			else
				give(taker, i);
		store_release(&parts[taker].is_full, part == taker);
	}
	if (part == taker)
		await(taker, false);
}

static void grow(unsigned part)
{
	for (size_t n = 0; n < N_PAIRS; n++) {
		size_t i = draw(part) % work->n_blocks;
		size_t size = parts[part].sizes[i] * 5 / 4;
		if (parts[part].blocks[i] == NULL || size > work->largest) {
			give(part, i);
			take(part, i);
			continue;
		}
		parts[part].blocks[i] =
			tarn_realloc(parts[part].blocks[i], size);
		if (parts[part].blocks[i] == NULL)
			abort();
		parts[part].sizes[i] = size;
		parts[part].n_operations += 2;
	}
}

static void do_work(unsigned part)
{
	static void (*const kinds[])(unsigned) = {
		[TRAFFIC_TABLE] = replace,
		[TRAFFIC_BURSTS] = burst,
		[TRAFFIC_HANDOVER] = hand_over,
		[TRAFFIC_GROWING] = grow,
	};
	kinds[work->kind](part);
}

static void *run_thread(void *argument)
{
	unsigned part = (unsigned)(uintptr_t)argument;
	do_work(part);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	parts[part].n_operations = 0;
	do_work(part);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < work->n_blocks; i++)
		give(part, i);
	return NULL;
}

static struct traffic counted(void)
{
	static struct lock *const locks[TRAFFIC_LOCKS] = {
		&arena_lock, &store_lock, &large_lock, &registry_lock};
	struct traffic traffic = {0, {0}};
	for (int i = 0; i < TRAFFIC_LOCKS; i++)
		traffic.taken[i] = locks[i] == NULL ? 0 : locks[i]->n_taken;
	for (unsigned i = 0; i < work->n_threads; i++)
		traffic.n_operations += parts[i].n_operations;
	return traffic;
}

struct traffic traffic_of(const struct traffic_work *wanted)
{
	pthread_t threads[THREADS_MAX];
	work = wanted;
	if (work->n_threads > THREADS_MAX || work->n_blocks > BLOCKS_MAX)
		abort();
	pthread_barrier_init(&barrier, NULL, work->n_threads + 1);
	for (unsigned i = 0; i < work->n_threads; i++) {
		parts[i].random = i;
		pthread_create(&threads[i], NULL, run_thread,
			       (void *)(uintptr_t)i);
	}
	pthread_barrier_wait(&barrier);
	struct traffic before = counted();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	struct traffic traffic = counted();
	for (int i = 0; i < TRAFFIC_LOCKS; i++)
		traffic.taken[i] -= before.taken[i];
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < work->n_threads; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	return traffic;
}
