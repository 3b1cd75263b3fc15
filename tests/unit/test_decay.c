/*
 * decay: what is beyond the bound goes with the free that makes it so, the rest
 * by time, and all of it when asked for. Times are set, never measured.
 */
#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/check.h"
#include "heap/decay.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/idle.h"
#include "os/barrier.h"
#include "tarn.h"

#define MIB ((size_t)1 << 20)
#define N_BLOCKS 200000

/* What may stay of no matter how much, with what tarn itself has. */
#define REST_BYTES (64 * MIB)

static void *blocks[N_BLOCKS];

static struct tarn_stats now(void)
{
	struct tarn_stats stats;
	heap_check();
	cr_assert_eq(tarn_stats_get(&stats, sizeof(stats)), 0);
	return stats;
}

/* Resident before anything was taken. */
static size_t own_bytes;

/* Ticks are hours apart. */
static void begin(void)
{
	tarn_free(tarn_malloc(1));
	conf.decay_ms = 3600 * 1000;
	own_bytes = now().resident_bytes;
}

TestSuite(decay, .init = begin);

/* What one part of a test taught is forgotten in the next. */
static void forget(void)
{
	tarn_purge();
	idle_note_touched(SIZE_MAX / 2);
	idle_note_unwanted(SIZE_MAX);
}

static size_t n_of(size_t total, size_t bytes)
{
	return total / bytes < N_BLOCKS ? total / bytes : N_BLOCKS;
}

static void take(size_t n, size_t bytes)
{
	for (size_t i = 0; i < n; i++) {
		blocks[i] = tarn_malloc(bytes);
		cr_assert_not_null(blocks[i]);
		memset(blocks[i], 1, bytes);
	}
}

static void give(size_t n)
{
	for (size_t i = 0; i < n; i++)
		tarn_free(blocks[i]);
}

static const size_t sizes[] = {1024,   3000,   8192,	20000,	 65536,
			       100000, 700000, 3 * MIB, 40 * MIB};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

Test(decay, beyond_the_bound_pages_go_with_the_free)
{
	for (size_t i = 0; i < SIZES; i++) {
		size_t n = n_of(200 * MIB, sizes[i]);
		take(n, sizes[i]);
		give(n);
		struct tarn_stats stats = now();
		cr_assert_leq(stats.resident_bytes, REST_BYTES,
			      "%zu bytes: %zu stay", sizes[i],
			      (size_t)stats.resident_bytes);
		forget();
	}
}

/* Scattered over all pools, so that pages go but few pools. */
Test(decay, pages_go_from_between_blocks_in_use)
{
	size_t n = n_of(200 * MIB, 1024);
	take(n, 1024);
	for (size_t i = 0; i < n; i++)
		if (i % 64 >= 16)
			tarn_free(blocks[i]);
	cr_assert_leq(now().resident_bytes, n / 4 * 1024 + REST_BYTES);
	for (size_t i = 0; i < n; i++)
		if (i % 64 < 16)
			cr_assert_eq(*(char *)blocks[i], 1);
}

static size_t n_given, bytes_taken;
static pthread_barrier_t turn, all_have;

static void *take_and_sleep(void *argument)
{
	(void)argument;
	take(n_given, bytes_taken);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	return NULL;
}

/* Who frees for a thread that sleeps does its work too. */
Test(decay, what_is_freed_for_a_sleeping_thread_goes_too)
{
	pthread_t thread;
	pthread_barrier_init(&turn, NULL, 2);
	for (size_t i = 0; i < SIZES; i++) {
		bytes_taken = sizes[i];
		n_given = n_of(200 * MIB, sizes[i]);
		pthread_create(&thread, NULL, take_and_sleep, NULL);
		pthread_barrier_wait(&turn);
		give(n_given);
		struct tarn_stats stats = now();
		cr_assert_leq(stats.resident_bytes, REST_BYTES,
			      "%zu bytes: %zu stay", sizes[i],
			      (size_t)stats.resident_bytes);
		pthread_barrier_wait(&turn);
		pthread_join(thread, NULL);
		forget();
	}
}

static void *take_and_give(void *argument)
{
	size_t me = (size_t)(uintptr_t)argument, n = n_given / 4;
	for (size_t i = me * n; i < (me + 1) * n; i++) {
		blocks[i] = tarn_malloc(bytes_taken);
		memset(blocks[i], 1, bytes_taken);
	}
	/* What one has freed is not what another takes: that teaches. */
	pthread_barrier_wait(&all_have);
	for (size_t i = me * n; i < (me + 1) * n; i++)
		tarn_free(blocks[i]);
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	return NULL;
}

static void run_four(void (*between)(void))
{
	pthread_t threads[4];
	pthread_barrier_init(&turn, NULL, 5);
	pthread_barrier_init(&all_have, NULL, 4);
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, take_and_give, (void *)i);
	pthread_barrier_wait(&turn);
	between();
	pthread_barrier_wait(&turn);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void assert_little_is_left(void)
{
	cr_assert_leq(now().resident_bytes, REST_BYTES);
}

Test(decay, several_threads_that_free_and_sleep_leave_no_more)
{
	bytes_taken = 1024;
	n_given = N_BLOCKS;
	run_four(assert_little_is_left);
}

/* --- when it is asked for ------------------------------------------------ */

static void assert_nothing_is_left(void)
{
	tarn_purge();
	struct tarn_stats stats = now();
	size_t live = stats.live_bytes + stats.rounding_bytes;
	cr_assert_leq(stats.resident_bytes,
		      own_bytes + live + live / 100 + 4 * MIB);
	cr_assert_eq(stats.cached_bytes, 0);
	if (os_barrier_is_possible())
		cr_assert_leq(stats.magazine_bytes, 64 << 10);
}

Test(decay, a_purge_takes_what_sleeping_threads_have_at_hand)
{
	bytes_taken = 300;
	n_given = 40000;
	run_four(assert_nothing_is_left);
}

/* However many pools stand before it that have nothing to purge. */
Test(decay, a_purge_goes_through_all_pools)
{
	enum { FULL = 300, EMPTY = 100, PER_POOL = 64 };
	size_t n = (FULL + EMPTY) * PER_POOL;
	take(n, 1024);
	for (size_t i = 0; i < FULL * PER_POOL; i += PER_POOL)
		tarn_free(blocks[i]);
	lock_acquire(&heap_mine->lock);
	heap_empty_magazines_locked(heap_mine);
	lock_release(&heap_mine->lock);
	for (size_t i = FULL * PER_POOL; i < n; i++)
		if (i % PER_POOL != 0)
			tarn_free(blocks[i]);
	tarn_purge();
	struct tarn_stats stats = now();
	size_t live = stats.live_bytes + stats.rounding_bytes;
	cr_assert_leq(stats.resident_bytes,
		      own_bytes + live + EMPTY * 4096 + 2 * MIB);
	cr_assert_eq(heap_mine->cooling.first, NULL);
}

Test(decay, what_a_purge_says_it_purged_is_in_the_totals)
{
	struct tarn_stats before = now();
	take(100, 100000);
	give(100);
	size_t purged = tarn_purge();
	cr_assert_geq(purged, 9 * MIB);
	cr_assert_geq(now().purged_total_bytes,
		      before.purged_total_bytes + purged);
}

/* What goes at once is told as well. */
Test(decay, all_that_is_purged_is_in_the_totals)
{
	take(1, 500 * MIB);
	uint64_t before = now().purged_total_bytes;
	give(1);
	cr_assert_lt(now().resident_bytes, REST_BYTES);
	cr_assert_geq(now().purged_total_bytes, before + 400 * MIB);
}

/* --- by time -------------------------------------------------------------- */

Test(decay, without_decay_nothing_waits)
{
	conf.decay_ms = 0;
	for (size_t i = 0; i < SIZES; i++) {
		size_t n = n_of(100 * MIB, sizes[i]);
		take(n, sizes[i]);
		give(n);
		cr_assert_leq(now().resident_bytes, 16 * MIB, "%zu bytes",
			      sizes[i]);
		forget();
	}
}

Test(decay, with_endless_decay_nothing_goes)
{
	conf.decay_ms = CONF_NEVER;
	conf.cache_bytes = 1024 * MIB;
	uint64_t before = now().purged_total_bytes;
	take(n_of(200 * MIB, 1024), 1024);
	give(n_of(200 * MIB, 1024));
	take(10, 10 * MIB);
	give(10);
	cr_assert_eq(now().purged_total_bytes, before);
	cr_assert_geq(now().resident_bytes, 190 * MIB);
}

/* A program that goes on, but only with what its magazines have. */
static void go_on_a_little(void)
{
	for (int i = 0; i < 2000; i++)
		tarn_free(tarn_malloc(2000));
	usleep(2000);
}

Test(decay, what_nobody_wants_for_a_decay_goes_while_the_program_goes_on)
{
	size_t n = n_of(20 * MIB, 1024);
	take(n, 1024);
	give(n);
	take(20, 500000);
	give(20);
	cr_assert_geq(idle_bytes(), 15 * MIB);
	conf.decay_ms = 20;
	/* Until it does: a limit only on how often. */
	for (int i = 0; i < 5000 && idle_bytes() > MIB; i++)
		go_on_a_little();
	cr_assert_leq(idle_bytes(), MIB, "%zu", idle_bytes());
	heap_check();
}

static void *use_magazines_and_sleep(void *argument)
{
	(void)argument;
	for (int round = 0; round < 20; round++) {
		take(10000, 500);
		give(10000);
	}
	pthread_barrier_wait(&turn);
	pthread_barrier_wait(&turn);
	return NULL;
}

Test(decay, the_magazines_of_a_thread_that_sleeps_are_emptied_by_others)
{
	pthread_t thread;
	if (!os_barrier_is_possible())
		cr_skip_test("membarrier(2) is unknown or forbidden here");
	pthread_barrier_init(&turn, NULL, 2);
	pthread_create(&thread, NULL, use_magazines_and_sleep, NULL);
	pthread_barrier_wait(&turn);
	uint64_t before = now().magazine_bytes;
	cr_assert_geq(before, 64 << 10);
	conf.decay_ms = 20;
	for (int i = 0; i < 5000 && now().magazine_bytes > 32 << 10; i++)
		go_on_a_little();
	cr_assert_leq(now().magazine_bytes, 32 << 10);
	pthread_barrier_wait(&turn);
	pthread_join(thread, NULL);
	heap_check();
}

/* --- when there is no more ----------------------------------------------- */

Test(decay, what_cannot_be_had_costs_nothing)
{
	take(1000, 3000);
	give(1000);
	struct tarn_stats before = now();
	cr_assert_not(decay_could_help((size_t)1 << 62, SLICE_BYTES));
	cr_assert_eq(now().magazine_bytes, before.magazine_bytes);
	cr_assert_eq(now().mapped_bytes, before.mapped_bytes);
	cr_assert(decay_could_help(MIB, SLICE_BYTES));
	cr_assert(decay_gather());
	cr_assert_not(decay_gather(), "there is no more");
	cr_assert_eq(now().live_blocks, 0);
}
