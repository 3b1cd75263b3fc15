/*
 * counts: what heaps count in batches is what there is, after whatever was
 * done. heap_check() walks all of it and compares; what it does not is compared
 * here.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/check.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/idle.h"
#include "heap/large.h"
#include "heap/registry.h"
#include "os/barrier.h"
#include "tarn.h"

#define HELD 3000
#define STEPS 60000

struct worker {
	uint64_t random;
	struct {
		unsigned char *block;
		size_t bytes;
		bool is_zeroed;
	} held[HELD];
};

static uint64_t next_random(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random;
}

/* Most are small, some medium, few large. */
static size_t random_bytes(struct worker *worker)
{
	uint64_t random = next_random(worker);
	size_t bits = random % 100 < 80	  ? 4 + random / 100 % 7
		      : random % 100 < 97 ? 10 + random / 100 % 7
					  : 16 + random / 100 % 5;
	return (size_t)(random >> 20) % ((size_t)1 << bits) + 1;
}

static void mark(unsigned char *block, size_t bytes)
{
	block[0] = block[bytes / 2] = block[bytes - 1] = (unsigned char)bytes;
}

static bool is_marked(const unsigned char *block, size_t bytes)
{
	return block[0] == (unsigned char)bytes &&
	       block[bytes / 2] == (unsigned char)bytes &&
	       block[bytes - 1] == (unsigned char)bytes;
}

static bool is_zero(const unsigned char *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (block[i] != 0)
			return false;
	return true;
}

static unsigned char *take(struct worker *worker, size_t bytes)
{
	switch (next_random(worker) % 4) {
	case 0: {
		unsigned char *block = tarn_calloc(1, bytes);
		return is_zero(block, bytes) ? block : NULL;
	}
	case 1:
		return tarn_aligned_alloc(
			(size_t)16 << next_random(worker) % 10, bytes);
	default:
		return tarn_malloc(bytes);
	}
}

/* False if something is not as it should be. */
static bool step(struct worker *worker)
{
	size_t i = next_random(worker) % HELD;
	unsigned char *block = worker->held[i].block;
	size_t bytes = worker->held[i].bytes;
	if (block != NULL && !is_marked(block, bytes))
		return false;
	if (block == NULL) {
		bytes = random_bytes(worker);
		block = take(worker, bytes);
	} else if (next_random(worker) % 4 == 0) {
		size_t more = random_bytes(worker);
		unsigned char first = block[0];
		block = tarn_realloc(block, more);
		if (block != NULL && block[0] != first)
			return false;
		bytes = more;
	} else {
		tarn_free(block);
		worker->held[i].block = NULL;
		return true;
	}
	worker->held[i].block = block;
	worker->held[i].bytes = bytes;
	if (block == NULL)
		return false;
	mark(block, bytes);
	return true;
}

static void give_all(struct worker *worker)
{
	for (size_t i = 0; i < HELD; i++) {
		tarn_free(worker->held[i].block);
		worker->held[i].block = NULL;
	}
}

/* --- idle ----------------------------------------------------------------- */

static void add_idle(void *context, struct region *region, size_t slice,
		     size_t n_slices)
{
	(void)n_slices;
	int64_t *sum = context;
	if (entry_is_pool(region_entry(region, slice))) {
		const struct pool *pool = region_descriptor(region, slice);
		*sum += pool->idle_bytes;
	}
}

/* Idle is what pools and runs have: what was told and what was not yet. */
static void check_idle(void)
{
	const int64_t much = (int64_t)1 << 40;
	int64_t found = 0;
	registry_lock_all();
	idle_note(much); /* less than nothing would be told as nothing */
	int64_t told =
		(int64_t)idle_bytes() - (int64_t)arena_cached_bytes() - much;
	idle_note(-much);
	arena_visit_locked(add_idle, &found);
	for (struct heap *heap = registry_first(); heap != NULL;
	     heap = heap->next) {
		told += heap->idle.bytes;
		found += (int64_t)heap->runs.used_bytes;
	}
	registry_unlock_all();
	cr_assert_eq(told, found, "%lld are told, %lld found", (long long)told,
		     (long long)found);
}

/* --- tests ---------------------------------------------------------------- */

static void assert_nothing_is_left(void)
{
	struct tarn_stats stats;
	tarn_purge();
	heap_check();
	check_idle();
	cr_assert_eq(tarn_stats_get(&stats, sizeof(stats)), 0);
	cr_assert_eq(stats.live_blocks, 0);
	cr_assert_eq(stats.live_bytes, 0);
	cr_assert_eq(stats.rounding_bytes, 0);
	cr_assert_eq(stats.cached_bytes, 0);
	int64_t n_large = 0, usable = 0, n_slices = 0;
	for (struct heap *heap = registry_first(); heap != NULL;
	     heap = heap->next) {
		n_large += heap->large.n_blocks;
		usable += heap->large.usable_bytes;
		n_slices += heap->large.n_slices;
	}
	cr_assert_eq(n_large, 0);
	cr_assert_eq(usable, 0);
	cr_assert_eq(n_slices, 0);
}

static struct worker single = {.random = 88172645463325252u};

static void work_alone(int n_steps, int a_check)
{
	for (int i = 0; i < n_steps; i++) {
		cr_assert(step(&single), "step %d", i);
		if (i % a_check == 0) {
			heap_check();
			check_idle();
		}
	}
	give_all(&single);
	heap_check();
	check_idle();
	assert_nothing_is_left();
}

Test(counts, are_right_after_random_work)
{
	work_alone(STEPS, 1000);
}

Test(counts, are_right_while_nothing_may_wait)
{
	conf.decay_ms = 0;
	work_alone(STEPS / 4, 500);
}

Test(counts, are_right_while_little_may_wait)
{
	conf.cache_bytes = 1 << 20;
	work_alone(STEPS / 2, 1000);
}

Test(counts, are_right_while_every_tick_is_due)
{
	conf.decay_ms = 1;
	work_alone(STEPS / 2, 1000);
}

Test(counts, are_right_in_check_mode)
{
	conf.check = true;
	work_alone(STEPS / 4, 500);
}

Test(counts, are_right_after_purges_and_thefts)
{
	tarn_free(tarn_malloc(1));
	for (int i = 0; i < STEPS / 4; i++) {
		cr_assert(step(&single), "step %d", i);
		if (i % 100 == 0)
			tarn_purge();
		if (i % 100 == 50 && os_barrier_is_possible()) {
			lock_acquire(&heap_mine->lock);
			heap_rob_locked(heap_mine);
			lock_release(&heap_mine->lock);
		}
		if (i % 500 == 0) {
			heap_check();
			check_idle();
		}
	}
	give_all(&single);
	assert_nothing_is_left();
}

#define THREADS 4

static struct worker workers[THREADS];
static int n_done;

/* They hand what they hold to each other, by taking over a place. */
static unsigned char *handed[64];

static void hand_over(struct worker *worker)
{
	size_t i = next_random(worker) % HELD;
	size_t to = next_random(worker) % 64;
	unsigned char *block = worker->held[i].block;
	worker->held[i].block = NULL;
	tarn_free(__atomic_exchange_n(&handed[to], block, __ATOMIC_ACQ_REL));
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	uintptr_t n_wrong = 0;
	for (int i = 0; i < STEPS / 2 && n_wrong == 0; i++) {
		n_wrong += !step(worker);
		if (i % 2 == 0)
			hand_over(worker);
	}
	give_all(worker);
	__atomic_fetch_add(&n_done, 1, __ATOMIC_RELEASE);
	return (void *)n_wrong;
}

static void work_together(void (*meanwhile)(void))
{
	pthread_t threads[THREADS];
	for (uint64_t i = 0; i < THREADS; i++) {
		workers[i].random = 88172645463325252u * (2 * i + 1);
		cr_assert_eq(
			pthread_create(&threads[i], NULL, work, &workers[i]),
			0);
	}
	while (__atomic_load_n(&n_done, __ATOMIC_ACQUIRE) < THREADS)
		meanwhile();
	for (int i = 0; i < THREADS; i++) {
		void *n_wrong;
		pthread_join(threads[i], &n_wrong);
		cr_assert_null(n_wrong);
	}
	for (int i = 0; i < 64; i++)
		tarn_free(handed[i]);
	heap_check();
	check_idle();
	assert_nothing_is_left();
}

static void nap(void)
{
	usleep(1000);
}

Test(counts, are_right_after_threads_have_worked)
{
	work_together(nap);
}

static void check_and_nap(void)
{
	heap_check();
	check_idle();
	usleep(1000);
}

Test(counts, are_right_while_threads_work)
{
	work_together(check_and_nap);
}

static void purge_and_nap(void)
{
	tarn_purge();
	usleep(1000);
}

Test(counts, are_right_after_purges_while_threads_worked)
{
	work_together(purge_and_nap);
}

/* Threads were anywhere: what they were about to take or give is free, or in
 * use for good, but never both. */
static int work_as_child(void)
{
	heap_check();
	check_idle();
	single.random = (uint64_t)getpid() << 20 | 1;
	for (int i = 0; i < 3000; i++)
		if (!step(&single))
			return 1;
	heap_check();
	give_all(&single);
	heap_check();
	check_idle();
	tarn_purge();
	heap_check();
	check_idle();
	return 0;
}

static void fork_and_wait(void)
{
	int status;
	pid_t child = fork();
	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(work_as_child());
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(counts, are_right_in_children_of_a_process_whose_threads_work)
{
	work_together(fork_and_wait);
}
