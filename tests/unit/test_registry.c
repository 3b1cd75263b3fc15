/*
 * registry: heaps outlive their threads, and nothing in them is lost.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/lock.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/registry.h"
#include "tarn.h"

#define BYTES 1000
#define N_BLOCKS 100

static void *blocks[N_BLOCKS];

static struct tarn_stats stats_now(void)
{
	struct tarn_stats stats;
	heap_check();
	cr_assert_eq(tarn_stats_get(&stats, sizeof(stats)), 0);
	return stats;
}

static void run_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	cr_assert_eq(pthread_create(&thread, NULL, function, argument), 0);
	pthread_join(thread, NULL);
	heap_check();
}

/* Takes N blocks and frees them, so that some lie in the thread's magazine. */
static void *use_magazine(void *argument)
{
	size_t n = (size_t)(uintptr_t)argument;
	for (size_t i = 0; i < n; i++)
		blocks[i] = tarn_malloc(BYTES);
	for (size_t i = 0; i < n; i++)
		tarn_free(blocks[i]);
	return NULL;
}

static void *take_one(void *argument)
{
	*(void **)argument = tarn_malloc(BYTES);
	return NULL;
}

static void *take_all(void *argument)
{
	(void)argument;
	for (int i = 0; i < N_BLOCKS; i++)
		blocks[i] = tarn_malloc(BYTES);
	return NULL;
}

Test(registry, a_thousand_short_threads_need_one_heap_more)
{
	tarn_free(tarn_malloc(1));
	uint64_t before = stats_now().heaps;
	for (int i = 0; i < 1000; i++) {
		pthread_t thread;
		void *one = (void *)(uintptr_t)1;
		pthread_create(&thread, NULL, use_magazine, one);
		pthread_join(thread, NULL);
	}
	struct tarn_stats after = stats_now();
	cr_assert_leq(after.heaps, before + 1);
	cr_assert_eq(after.parked_heaps, 1);
	cr_assert_eq(after.live_blocks, 0);
}

/* The first request of the new thread must not think the magazine empty. */
Test(registry, a_heap_taken_over_keeps_what_its_magazines_hold)
{
	void *block = NULL;
	run_thread(use_magazine, (void *)(uintptr_t)5);
	cr_assert_eq(stats_now().live_blocks, 0);
	run_thread(take_one, &block);
	cr_assert_eq(stats_now().live_blocks, 1);
	tarn_free(block);
	tarn_purge();
	struct tarn_stats after = stats_now();
	cr_assert_eq(after.live_blocks, 0);
	cr_assert_eq(after.magazine_bytes, 0);
}

static void *hold_heap(void *argument)
{
	pthread_barrier_t *barrier = argument;
	tarn_free(tarn_malloc(1));
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	take_all(NULL);
	return NULL;
}

/*
 * A heap that had its own all along adopts a pool of a parked one, in whose
 * magazine blocks of that pool lie.
 */
static struct heap *parked_heap(void)
{
	struct heap *heap = registry_first();
	while (heap != NULL && !heap->is_parked)
		heap = heap->next;
	return heap;
}

static bool is_starting;

static void *note_start(void *argument)
{
	store_relaxed(&is_starting, true);
	return take_one(argument);
}

/* A sweep that found the heap parked empties its magazines, as of one whose
 * thread cannot be at work on them. */
Test(registry, nobody_takes_a_parked_heap_over_while_another_works_on_it)
{
	void *block = NULL;
	pthread_t thread;
	tarn_free(tarn_malloc(1));
	run_thread(use_magazine, (void *)(uintptr_t)10);
	struct heap *heap = parked_heap();
	cr_assert_not_null(heap);
	lock_acquire(&heap->lock);
	cr_assert_eq(pthread_create(&thread, NULL, note_start, &block), 0);
	while (!load_relaxed(&is_starting))
		sched_yield();
	for (int i = 0; i < 2000; i++) {
		sched_yield();
		if (!load_relaxed(&heap->is_parked))
			break;
	}
	bool is_parked = load_relaxed(&heap->is_parked);
	lock_release(&heap->lock);
	pthread_join(thread, NULL);
	cr_assert(is_parked);
	cr_assert_not_null(block);
}

Test(registry, a_pool_is_adopted_with_what_lay_in_the_magazines)
{
	pthread_barrier_t barrier;
	pthread_t thread;
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, hold_heap, &barrier);
	pthread_barrier_wait(&barrier);
	run_thread(use_magazine, (void *)(uintptr_t)20);
	uint64_t pools = stats_now().pools;
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	struct tarn_stats after = stats_now();
	cr_assert_eq(after.live_blocks, N_BLOCKS);
	/* Of what is adopted, only slots that were used are taken. */
	cr_assert_leq(after.pools, pools + 2);
	for (int i = 0; i < N_BLOCKS; i++)
		tarn_free(blocks[i]);
	run_thread(use_magazine, (void *)(uintptr_t)N_BLOCKS);
	tarn_purge();
	cr_assert_eq(stats_now().live_blocks, 0);
}

Test(registry, blocks_outlive_their_thread)
{
	run_thread(take_all, NULL);
	cr_assert_eq(stats_now().live_blocks, N_BLOCKS);
	for (int i = 0; i < N_BLOCKS; i++) {
		cr_assert_geq(tarn_malloc_usable_size(blocks[i]), BYTES);
		tarn_free(blocks[i]);
	}
	tarn_purge();
	struct tarn_stats after = stats_now();
	cr_assert_eq(after.live_blocks, 0);
	cr_assert_eq(after.magazine_bytes, 0);
}

Test(registry, a_purge_gives_back_the_pools_of_parked_heaps)
{
	run_thread(take_all, NULL);
	for (int i = 0; i < N_BLOCKS; i++)
		tarn_free(blocks[i]);
	tarn_purge();
	struct tarn_stats after = stats_now();
	cr_assert_eq(after.pools, 0);
	cr_assert_eq(after.free_bytes, 0);
	cr_assert_eq(after.cached_bytes, 0);
}

static pthread_barrier_t in_fork;

static void *wait_with_blocks(void *argument)
{
	take_all(argument);
	pthread_barrier_wait(&in_fork);
	pthread_barrier_wait(&in_fork);
	return NULL;
}

static int use_heap_as_child(void)
{
	struct tarn_stats stats;
	tarn_heap_check();
	tarn_stats_get(&stats, sizeof(stats));
	if (stats.heaps != stats.parked_heaps + 1)
		return 1;
	for (int i = 0; i < N_BLOCKS; i++)
		tarn_free(blocks[i]);
	for (int i = 0; i < N_BLOCKS; i++)
		if ((blocks[i] = tarn_malloc(BYTES)) == NULL)
			return 2;
	tarn_purge();
	tarn_heap_check();
	return 0;
}

/* Pools that are being purged, and have become unused meanwhile. */
static int purge_as_child(void)
{
	tarn_heap_check();
	tarn_purge();
	struct tarn_stats stats;
	tarn_stats_get(&stats, sizeof(stats));
	tarn_heap_check();
	return stats.live_blocks == 0 && stats.pools == 0 &&
	       stats.cached_bytes == 0;
}

Test(registry, the_child_of_a_fork_gets_back_what_was_being_purged)
{
	struct heap_away away;
	int status;
	run_thread(take_all, NULL);
	for (int i = 0; i < N_BLOCKS; i++)
		tarn_free(blocks[i]);
	take_all(NULL);
	struct heap *heap = heap_mine;
	for (int i = 0; i < N_BLOCKS; i += i % 10 == 8 ? 2 : 1)
		tarn_free(blocks[i]);
	lock_acquire(&heap->lock);
	heap_empty_magazines_locked(heap);
	heap_take_away_locked(heap, true, SIZE_MAX, &away);
	lock_release(&heap->lock);
	cr_assert_gt(away.n, 0);
	for (int i = 9; i < N_BLOCKS; i += 10)
		tarn_free(blocks[i]);
	lock_acquire(&heap->lock);
	heap_empty_magazines_locked(heap);
	lock_release(&heap->lock);
	cr_assert(pool_is_unused(away.pools[0]));
	pid_t child = fork();
	if (child == 0)
		_exit(purge_as_child() ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	lock_acquire(&heap->lock);
	heap_bring_back_locked(heap, &away);
	lock_release(&heap->lock);
	tarn_purge();
	cr_assert_eq(stats_now().pools, 0);
}

/* Another thread that frees it was between the page map and its count. */
Test(registry, the_child_of_a_fork_counts_the_large_blocks_that_are_there)
{
	char *kept = tarn_malloc(300 << 10);
	char *half_freed = tarn_malloc(2 << 20);
	struct region *region = region_of((uintptr_t)half_freed);
	size_t slice = region_slice(region, (uintptr_t)half_freed);
	int status;
	run_thread(use_magazine, NULL);
	region_set_entry(region, slice, 0);
	pid_t child = fork();
	if (child == 0) {
		struct tarn_stats stats = stats_now();
		_exit(stats.large_blocks == 1 && stats.large_bytes == 300 << 10
			      ? 0
			      : 1);
	}
	region_set_entry(region, slice, CODE_LARGE);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	tarn_free(half_freed);
	tarn_free(kept);
	cr_assert_eq(stats_now().live_blocks, 0);
}

Test(registry, the_child_of_a_fork_parks_the_heaps_of_threads_it_has_not)
{
	pthread_t thread;
	int status;
	tarn_free(tarn_malloc(1));
	pthread_barrier_init(&in_fork, NULL, 2);
	pthread_create(&thread, NULL, wait_with_blocks, NULL);
	pthread_barrier_wait(&in_fork);
	pid_t child = fork();
	if (child == 0)
		_exit(use_heap_as_child());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_eq(stats_now().parked_heaps, 0);
	pthread_barrier_wait(&in_fork);
	pthread_join(thread, NULL);
}
