/*
 * parking: whatever parked heaps have, who needs a pool finds it.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

#include "base/lock.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/registry.h"
#include "tarn.h"

#define THREADS 24
#define N_BLOCKS 3000
#define BYTES 1024

static pthread_barrier_t all_have_heaps;
static void *blocks[THREADS][N_BLOCKS];
static void *mine[THREADS * N_BLOCKS];

static struct tarn_stats stats_now(void)
{
	struct tarn_stats stats;
	heap_check();
	cr_assert_eq(tarn_stats_get(&stats, sizeof(stats)), 0);
	return stats;
}

static struct pool *pool_of(const void *block)
{
	struct region *region = region_of((uintptr_t)block);
	return region_descriptor(region,
				 region_slice(region, (uintptr_t)block));
}

/* So many threads with a heap each, which are parked when it returns. */
static void run_threads(void *(*function)(void *))
{
	pthread_t threads[THREADS];
	tarn_free(tarn_malloc(1));
	pthread_barrier_init(&all_have_heaps, NULL, THREADS);
	for (uintptr_t i = 0; i < THREADS; i++)
		cr_assert_eq(
			pthread_create(&threads[i], NULL, function, (void *)i),
			0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(stats_now().parked_heaps, THREADS);
}

/* None takes over another's. */
static void have_heap(void)
{
	tarn_free(tarn_malloc(1));
	pthread_barrier_wait(&all_have_heaps);
}

static size_t bytes_of(size_t i)
{
	return class_block_bytes((uint32_t)i + 10);
}

/* The last free block lies in the thread's magazine, the first is kept. */
static void *use_a_class_of_its_own(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument;
	have_heap();
	for (int i = 0; i < 6; i++)
		blocks[me][i] = tarn_malloc(bytes_of(me));
	for (int i = 1; i < 6; i++)
		tarn_free(blocks[me][i]);
	return NULL;
}

Test(parking, each_of_many_heaps_is_found_for_what_it_has)
{
	run_threads(use_a_class_of_its_own);
	uint64_t pools = stats_now().pools;
	for (size_t i = 0; i < THREADS; i++) {
		struct pool *pool = pool_of(blocks[i][0]);
		cr_assert_neq(pool->owner, heap_mine);
		void *block = tarn_malloc(bytes_of(i));
		cr_assert_eq(pool_of(block), pool, "class %zu", i);
		cr_assert_eq(pool->owner, heap_mine);
	}
	cr_assert_eq(stats_now().pools, pools);
}

static void *keep_one_a_pool(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument;
	have_heap();
	for (int i = 0; i < N_BLOCKS; i++)
		blocks[me][i] = tarn_malloc(BYTES);
	/* Nor has it what another has left. */
	pthread_barrier_wait(&all_have_heaps);
	for (int i = 0; i < N_BLOCKS; i++)
		if (i % 64 != 0)
			tarn_free(blocks[me][i]);
	return NULL;
}

static void take_as_many(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		mine[i] = tarn_malloc(BYTES);
		cr_assert_not_null(mine[i]);
		memset(mine[i], 1, BYTES);
	}
}

Test(parking, all_that_many_heaps_have_is_used_before_more_is_asked_for)
{
	run_threads(keep_one_a_pool);
	struct tarn_stats before = stats_now();
	size_t n = (size_t)THREADS * N_BLOCKS / 64 * 62;
	take_as_many(n);
	struct tarn_stats after = stats_now();
	cr_assert_leq(after.mapped_bytes, before.mapped_bytes + (2 << 20));
	cr_assert_leq(after.pools, before.pools + 8, "%zu of %zu",
		      (size_t)after.pools, (size_t)before.pools);
}

static void *keep_all(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument;
	have_heap();
	for (int i = 0; i < N_BLOCKS; i++)
		blocks[me][i] = tarn_malloc(BYTES);
	pthread_barrier_wait(&all_have_heaps);
	return NULL;
}

/* They had no room when they were parked. */
Test(parking, what_others_free_after_the_threads_end_is_found)
{
	run_threads(keep_all);
	struct tarn_stats before = stats_now();
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < N_BLOCKS; j++)
			if (j % 64 != 0)
				tarn_free(blocks[i][j]);
	size_t n = (size_t)THREADS * N_BLOCKS / 64 * 62;
	take_as_many(n);
	struct tarn_stats after = stats_now();
	cr_assert_leq(after.pools, before.pools + 8);
}

/* One pool comes, then more, as another thread frees. */
Test(parking, a_heap_is_found_as_often_as_something_comes_back)
{
	run_threads(keep_all);
	uint64_t pools = stats_now().pools;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 64; i++)
			tarn_free(blocks[round % 3][round * 64 + i]);
		take_as_many(64);
		heap_check();
	}
	cr_assert_leq(stats_now().pools, pools + 4);
}

static pthread_barrier_t turn;

static void *hold_heap(void *argument)
{
	struct heap **theirs = argument;
	tarn_free(tarn_malloc(BYTES));
	*theirs = heap_mine;
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	heap_check();
	return NULL;
}

/* It stands in the lists still, but its magazines are a thread's again. */
Test(parking, a_heap_that_has_a_thread_again_keeps_its_pools)
{
	pthread_t threads[THREADS];
	struct heap *theirs[THREADS];
	run_threads(keep_one_a_pool);
	pthread_barrier_init(&turn, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, hold_heap, &theirs[i]);
	pthread_barrier_wait(&turn);
	take_as_many(N_BLOCKS);
	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < N_BLOCKS; j += 64)
			cr_assert_neq(pool_of(blocks[i][j])->owner, heap_mine);
	heap_check();
	pthread_barrier_wait(&turn);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* And parked anew they are found anew. */
	uint64_t pools = stats_now().pools;
	take_as_many(N_BLOCKS);
	cr_assert_leq(stats_now().pools, pools + 2);
}

static bool adopt(uint32_t class)
{
	lock_acquire(&heap_mine->lock);
	bool adopted = registry_adopt_locked(heap_mine, class);
	lock_release(&heap_mine->lock);
	return adopted;
}

static struct heap *held;

static void *hold_its_lock(void *argument)
{
	lock_acquire(&held->lock);
	pthread_barrier_wait(argument);
	pthread_barrier_wait(argument);
	lock_release(&held->lock);
	return NULL;
}

Test(parking, one_that_somebody_is_at_work_on_is_passed_over_not_forgotten)
{
	pthread_t thread;
	run_threads(use_a_class_of_its_own);
	uint32_t class = class_of(bytes_of(5));
	held = pool_of(blocks[5][0])->owner;
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, hold_its_lock, &turn);
	pthread_barrier_wait(&turn);
	cr_assert_not(adopt(class));
	cr_assert(adopt(class_of(bytes_of(6))));
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	cr_assert(adopt(class));
	cr_assert_not(adopt(class));
	heap_check();
}

Test(parking, one_with_frees_that_is_busy_is_not_forgotten_either)
{
	pthread_t thread;
	run_threads(keep_all);
	held = pool_of(blocks[5][0])->owner;
	for (int i = 0; i < 70; i++)
		tarn_free(blocks[5][i]);
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, hold_its_lock, &turn);
	pthread_barrier_wait(&turn);
	/* The pools that were current and had room come first. */
	while (adopt(class_of(BYTES)))
		cr_assert_neq(heap_mine->current[class_of(BYTES)]->owner, held);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	cr_assert(adopt(class_of(BYTES)));
	heap_check();
}

/* --- all of it at once --------------------------------------------------- */

#define ROUNDS 40

static void *passed[ROUNDS][200];
static int n_passed;

static void *come_and_go(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument;
	for (int i = 0; i < 200; i++)
		passed[me][i] = tarn_malloc((size_t)(i % 5 + 1) * 300);
	for (int i = 0; i < 200; i += 3) {
		tarn_free(passed[me][i]);
		passed[me][i] = NULL;
	}
	__atomic_fetch_add(&n_passed, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *make_threads(void *argument)
{
	(void)argument;
	for (uintptr_t i = 0; i < ROUNDS; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, come_and_go, (void *)i);
		pthread_join(thread, NULL);
	}
	return NULL;
}

Test(parking, frees_and_adoptions_while_threads_come_and_go_lose_nothing)
{
	pthread_t thread;
	tarn_free(tarn_malloc(1));
	pthread_create(&thread, NULL, make_threads, NULL);
	for (int done = 0; done < ROUNDS;) {
		int n = __atomic_load_n(&n_passed, __ATOMIC_ACQUIRE);
		for (; done < n; done++)
			for (int i = 0; i < 200; i++)
				tarn_free(passed[done][i]);
		for (int i = 0; i < 500; i++)
			mine[i] = tarn_malloc((size_t)(i % 5 + 1) * 300);
		for (int i = 0; i < 500; i++)
			tarn_free(mine[i]);
	}
	pthread_join(thread, NULL);
	heap_check();
	tarn_purge();
	struct tarn_stats stats = stats_now();
	cr_assert_eq(stats.live_blocks, 0);
	cr_assert_eq(stats.magazine_bytes, 0);
	cr_assert_eq(stats.pools, 0);
}
