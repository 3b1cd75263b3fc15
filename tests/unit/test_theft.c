/*
 * theft: what lies in the magazines of a heap whose thread sleeps, runs, or is
 * between two steps of malloc or free, goes back to its pools, each block once.
 *
 * What the owner is in the middle of is played by hand: see heap/magazine.h.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdlib.h>

#include "base/lock.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/registry.h"
#include "os/barrier.h"
#include "tarn.h"

#define BYTES 256
#define N_BLOCKS 2000

static void *blocks[N_BLOCKS];

static uint32_t class_now(void)
{
	return class_of(BYTES);
}

static struct magazine *magazine_now(void)
{
	return &heap_mine->magazines[class_now()];
}

static void rob(struct heap *heap)
{
	lock_acquire(&heap->lock);
	heap_rob_locked(heap);
	lock_release(&heap->lock);
}

/* So that its magazine is large and its blocks lie in several pools. */
static void warm_up(void)
{
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < N_BLOCKS; i++)
			blocks[i] = tarn_malloc(BYTES);
		for (int i = 0; i < N_BLOCKS; i++)
			tarn_free(blocks[i]);
	}
	if (!os_barrier_is_possible())
		cr_skip_test("membarrier(2) is unknown or forbidden here");
	cr_assert_geq(magazine_count(magazine_now()), 20);
	heap_check();
}

/* Blocks neither free in a bitmap nor freed by others. */
static uint64_t n_in_use(void)
{
	return heap_mine->counts[class_now()].n_in_use;
}

static int compare(const void *one, const void *other)
{
	uintptr_t a = *(const uintptr_t *)one, b = *(const uintptr_t *)other;
	return a < b ? -1 : a > b;
}

/* Takes many more than there can be free, and finds none twice. */
static void assert_no_block_comes_twice(void *const *held, int n_held)
{
	enum { N = 3 * N_BLOCKS };
	static void *all[N];
	for (int i = 0; i < N; i++)
		all[i] = i < n_held ? held[i] : tarn_malloc(BYTES);
	qsort(all, N, sizeof(*all), compare);
	for (int i = 1; i < N; i++)
		cr_assert_neq(all[i], all[i - 1]);
	for (int i = 0; i < N; i++)
		tarn_free(all[i]);
	lock_acquire(&heap_mine->lock);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
	heap_check();
	cr_assert_eq(n_in_use(), 0);
}

Test(theft, all_but_one_block_goes_back_to_the_pools)
{
	warm_up();
	uint32_t n = magazine_count(magazine_now());
	cr_assert_eq(n_in_use(), n);
	rob(heap_mine);
	cr_assert_eq(n_in_use(), 1);
	cr_assert_eq(magazine_count(magazine_now()), 1);
	heap_check();
	rob(heap_mine);
	cr_assert_eq(n_in_use(), 1);
	assert_no_block_comes_twice(NULL, 0);
}

Test(theft, the_owner_goes_on_as_if_nothing_had_been)
{
	warm_up();
	size_t room = heap_mine->capacity_bytes;
	rob(heap_mine);
	void *one = tarn_malloc(BYTES);
	cr_assert_eq(heap_mine->capacity_bytes, room);
	heap_check();
	rob(heap_mine);
	tarn_free(one);
	heap_check();
	cr_assert_eq(heap_mine->capacity_bytes, room);
	cr_assert_eq(tarn_malloc(BYTES), one);
	assert_no_block_comes_twice(&one, 1);
}

Test(theft, a_malloc_that_had_read_top_has_its_block)
{
	warm_up();
	void **top = magazine_now()->top;
	rob(heap_mine);
	void *block = top[-1];
	magazine_now()->top--;
	cr_assert_eq(n_in_use(), 1);
	cr_assert_eq(magazine_count(magazine_now()), 0);
	heap_check();
	assert_no_block_comes_twice(&block, 1);
}

Test(theft, a_free_that_had_read_top_has_freed_its_block)
{
	warm_up();
	void *block = tarn_malloc(BYTES), **top = magazine_now()->top;
	rob(heap_mine);
	*top = block;
	magazine_now()->top++;
	cr_assert_eq(n_in_use(), 2);
	cr_assert_eq(magazine_count(magazine_now()), 2);
	heap_check();
	cr_assert_eq(tarn_malloc(BYTES), block);
	assert_no_block_comes_twice(&block, 1);
}

/* The owner's slow path may be any: malloc's, free's, a tick's, the end's. */
Test(theft, every_slow_path_finds_what_is_left)
{
	for (int way = 0; way < 4; way++) {
		warm_up();
		void *block = tarn_malloc(BYTES);
		rob(heap_mine);
		heap_check();
		lock_acquire(&heap_mine->lock);
		if (way == 0)
			heap_empty_magazines_locked(heap_mine);
		else if (way == 1)
			heap_empty_magazine_locked(heap_mine, class_now());
		lock_release(&heap_mine->lock);
		if (way == 2)
			heap_take_singly(heap_mine, class_now());
		else if (way == 3)
			cr_assert_eq(heap_free_slow(block), HEAP_FREED);
		if (way == 3)
			block = tarn_malloc(BYTES);
		heap_check();
		heap_take_singly(heap_mine, N_CLASSES);
		assert_no_block_comes_twice(&block, 1);
	}
}

Test(theft, without_the_barrier_the_owner_has_all_of_it_still)
{
	warm_up();
	struct magazine *magazine = magazine_now();
	uint32_t n = magazine_count(magazine), n_stolen;
	lock_acquire(&heap_mine->lock);
	cr_assert(magazine_rob_locked(magazine));
	magazine_robbed_locked(magazine, false, &n_stolen);
	lock_release(&heap_mine->lock);
	cr_assert_eq(n_stolen, 0);
	cr_assert_eq(magazine_count(magazine), n);
	heap_check();
	void *block = tarn_malloc(BYTES);
	cr_assert_eq(magazine_count(magazine), n - 1);
	assert_no_block_comes_twice(&block, 1);
}

Test(theft, a_double_free_across_it_is_told)
{
	warm_up();
	void *one = tarn_malloc(BYTES), *other = tarn_malloc(BYTES);
	tarn_free(one);
	tarn_free(other);
	rob(heap_mine);
	/* It is in a bitmap by now, the other still in the magazine. */
	cr_assert_eq(heap_free_slow(one), HEAP_DOUBLE_FREE);
	cr_assert_eq(heap_free_slow(other), HEAP_DOUBLE_FREE);
	heap_check();
	assert_no_block_comes_twice(NULL, 0);
}

/* --- other threads ------------------------------------------------------- */

static struct heap *theirs;
static pthread_barrier_t turn;
static int n_thefts;

static void *end_without_a_look(void *argument)
{
	(void)argument;
	warm_up();
	theirs = heap_mine;
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	return NULL;
}

static void *sleep_with_magazines(void *argument)
{
	end_without_a_look(argument);
	heap_check();
	cr_assert_eq(n_in_use(), 1);
	assert_no_block_comes_twice(NULL, 0);
	return NULL;
}

Test(theft, a_heap_whose_thread_sleeps_can_be_robbed)
{
	pthread_t thread;
	tarn_free(tarn_malloc(1));
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, sleep_with_magazines, NULL);
	pthread_barrier_wait(&turn);
	rob(theirs);
	rob(theirs);
	heap_check();
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	heap_check();
}

Test(theft, a_robbed_heap_is_parked_and_taken_over_whole)
{
	pthread_t thread;
	tarn_free(tarn_malloc(1));
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, end_without_a_look, NULL);
	pthread_barrier_wait(&turn);
	rob(theirs);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	heap_check();
	rob(theirs); /* parked: its magazines are as any */
	heap_check();
	struct heap *before = theirs;
	pthread_create(&thread, NULL, sleep_with_magazines, NULL);
	pthread_barrier_wait(&turn);
	cr_assert_eq(theirs, before);
	rob(theirs);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	heap_check();
}

#define THEFTS 3000
#define HELD 400
#define SIZES 3

/* A block that came twice has the stamp of the other. */
struct stamped {
	uintptr_t stamp;
	char rest[BYTES - sizeof(uintptr_t)];
};

static bool is_stolen_enough(void)
{
	return __atomic_load_n(&n_thefts, __ATOMIC_ACQUIRE) >= THEFTS;
}

static void *work_and_be_robbed(void *argument)
{
	static const size_t sizes[SIZES] = {48, BYTES, 4096};
	static struct stamped *held[HELD];
	uint64_t random = 88172645463325252u;
	uintptr_t n_broken = 0;
	(void)argument;
	tarn_free(tarn_malloc(1));
	theirs = heap_mine;
	pthread_barrier_wait(&turn);
	while (!is_stolen_enough()) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		size_t i = random % HELD;
		if (held[i] != NULL) {
			n_broken += held[i]->stamp != i * 1000 + i % SIZES;
			tarn_free(held[i]);
			held[i] = NULL;
			continue;
		}
		held[i] = tarn_malloc(sizes[i % SIZES]);
		held[i]->stamp = i * 1000 + i % SIZES;
	}
	for (size_t i = 0; i < HELD; i++)
		tarn_free(held[i]);
	heap_check();
	lock_acquire(&heap_mine->lock);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
	heap_check();
	for (size_t i = 0; i < SIZES; i++)
		n_broken += heap_mine->counts[class_of(sizes[i])].n_in_use;
	return (void *)n_broken;
}

Test(theft, a_heap_whose_thread_runs_loses_no_block_and_gives_none_twice)
{
	pthread_t thread;
	void *n_broken;
	tarn_free(tarn_malloc(1));
	if (!os_barrier_is_possible())
		cr_skip_test("membarrier(2) is unknown or forbidden here");
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, work_and_be_robbed, NULL);
	pthread_barrier_wait(&turn);
	for (int i = 0; i < THEFTS; i++) {
		rob(theirs);
		__atomic_fetch_add(&n_thefts, 1, __ATOMIC_RELEASE);
		if (i % 100 == 0)
			heap_check();
	}
	pthread_join(thread, &n_broken);
	cr_assert_null(n_broken);
	heap_check();
}
