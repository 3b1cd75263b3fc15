/*
 * idle: the sum of what lies free with its pages, the bound on it, and what the
 * bound learns.
 */
#include <criterion/criterion.h>

#include <unistd.h>

#include "base/lock.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/idle.h"
#include "heap/large.h"
#include "heap/share.h"
#include "tarn.h"

#define MIB ((size_t)1 << 20)

/* The ticks of other tests' speed have no say here. */
static void begin(void)
{
	tarn_free(tarn_malloc(1));
	conf.decay_ms = 3600 * 1000;
	conf.cache_bytes = 1024 * MIB;
}

TestSuite(idle, .init = begin);

/* Where the bound is, from what is said to be beyond it. */
static size_t bound(void)
{
	return 4096 * MIB + idle_bytes() - idle_excess_bytes(4096 * MIB);
}

Test(idle, nothing_is_beyond_the_bound_until_something_is)
{
	size_t room = bound() - idle_bytes();
	cr_assert_eq(idle_excess_bytes(0), 0);
	cr_assert_eq(idle_excess_bytes(room), 0);
	cr_assert_eq(idle_excess_bytes(room + 1), 1);
	cr_assert_eq(idle_excess_bytes(room + 5 * MIB), 5 * MIB);
}

Test(idle, it_is_the_sum_of_what_pools_runs_and_the_arena_have)
{
	size_t before = idle_bytes(), room = bound() - before;
	idle_note((int64_t)(room + MIB));
	cr_assert_eq(idle_bytes(), before + room + MIB);
	cr_assert_eq(idle_excess_bytes(0), MIB);
	idle_note(-(int64_t)(room + MIB));
	cr_assert_eq(idle_bytes(), before);
	void *base = arena_take(160, 1);
	cr_assert_not_null(base);
	arena_give_some(&(struct run){(uintptr_t)base, 160}, 1, true);
	cr_assert_eq(idle_bytes(), before + 10 * MIB);
}

Test(idle, heaps_tell_in_steps_and_lose_nothing)
{
	struct idle_share share = {0};
	idle_note(10 * (int64_t)MIB);
	size_t before = idle_bytes();
	size_t step = share_step_bytes();
	idle_note_locked(&share, (int64_t)step / 2);
	cr_assert_eq(idle_bytes(), before);
	idle_note_locked(&share, (int64_t)step / 2 + 64);
	cr_assert_eq(idle_bytes(), before + step + 64);
	idle_note_locked(&share, -100);
	idle_note_locked(&share, -(int64_t)step);
	cr_assert_eq(idle_bytes(), before - 36);
	cr_assert_eq(share.bytes, 0);
}

/* What shares of heaps disagree about must not look like a huge sum. */
Test(idle, less_than_nothing_is_nothing)
{
	idle_note(-(int64_t)(100 * MIB));
	cr_assert_eq(idle_bytes(), arena_cached_bytes());
	cr_assert_eq(idle_excess_bytes(0), 0);
	idle_note(100 * (int64_t)MIB);
}

Test(idle, it_is_not_below_the_least_nor_a_share_of_what_is_in_use)
{
	size_t small = bound();
	cr_assert_geq(small, IDLE_BYTES_MIN);
	cr_assert_leq(small, 64 * MIB);
	void *block = tarn_malloc(4096 * MIB);
	cr_assert_not_null(block);
	size_t large = bound();
	cr_assert_geq(large, 256 * MIB);
	cr_assert_leq(large, 512 * MIB);
	tarn_free(block);
	cr_assert_leq(bound(), large);
}

Test(idle, it_is_what_the_option_says_at_most)
{
	conf.cache_bytes = 3 * MIB;
	cr_assert_eq(bound(), 3 * MIB);
	idle_note_purged(100 * MIB);
	idle_note_touched(100 * MIB);
	cr_assert_eq(bound(), 3 * MIB);
	conf.cache_bytes = 0; /* a share of the machine's */
	cr_assert_gt(bound(), 0);
}

Test(idle, without_decay_nothing_may_wait_and_with_endless_all)
{
	conf.decay_ms = 0;
	cr_assert_eq(bound(), 0);
	conf.decay_ms = CONF_NEVER;
	cr_assert_eq(bound(), 1024 * MIB);
}

Test(idle, what_was_purged_and_is_wanted_again_raises_the_bound)
{
	size_t before = bound();
	idle_note_touched(50 * MIB);
	cr_assert_eq(bound(), before, "nothing had been purged");
	idle_note_purged(100 * MIB);
	cr_assert_eq(bound(), before);
	idle_note_touched(60 * MIB);
	cr_assert_eq(bound(), before + 60 * MIB);
	idle_note_touched(60 * MIB);
	cr_assert_eq(bound(), before + 100 * MIB, "each byte counts once");
	idle_note_touched(60 * MIB);
	cr_assert_eq(bound(), before + 100 * MIB);
}

/* Threads that each work once take what others have freed. */
Test(idle, a_heap_teaches_by_what_it_takes_after_it_has_freed)
{
	struct idle_share begins = {0}, goes_on = {0}, only_takes = {0};
	size_t step = share_step_bytes(), before = bound();
	idle_note_purged(100 * MIB);
	idle_note_touched_locked(&begins, 3 * MIB);
	cr_assert_eq(bound(), before);
	idle_note_freed_locked(&goes_on, 20 * MIB);
	idle_note_touched_locked(&goes_on, 12 * MIB);
	cr_assert_eq(bound(), before + 12 * MIB);
	idle_note_touched_locked(&goes_on, 11 * MIB);
	cr_assert_eq(bound(), before + 20 * MIB);
	for (size_t bytes = 0; bytes < 30 * MIB; bytes += step)
		idle_note_touched_locked(&only_takes, step);
	cr_assert_geq(bound(), before + 20 * MIB + 25 * MIB);
}

Test(idle, what_has_no_pages_is_not_in_use)
{
	struct idle_share share = {0};
	size_t small = bound();
	void *block = tarn_malloc(4096 * MIB);
	size_t large = bound();
	cr_assert_gt(large, small);
	idle_note_absent_locked(&share, 4096 * (int64_t)MIB);
	cr_assert_eq(bound(), small);
	idle_note_absent_locked(&share, -4096 * (int64_t)MIB);
	cr_assert_eq(bound(), large);
	tarn_free(block);
}

Test(idle, what_is_wanted_only_after_a_decay_teaches_nothing)
{
	size_t before = bound();
	conf.decay_ms = 1;
	idle_note_purged(100 * MIB);
	usleep(20 * 1000);
	idle_note_touched(10 * MIB);
	conf.decay_ms = 3600 * 1000;
	idle_note_touched(10 * MIB);
	cr_assert_eq(bound(), before);
}

Test(idle, what_nobody_wants_for_a_decay_lowers_it_again)
{
	size_t before = bound();
	idle_note_purged(100 * MIB);
	idle_note_touched(100 * MIB);
	idle_note_unwanted(30 * MIB);
	cr_assert_eq(bound(), before + 70 * MIB);
	idle_note_unwanted(300 * MIB);
	cr_assert_eq(bound(), before);
}

/* A program that frees and takes the same in turns pays once. */
Test(idle, a_program_that_goes_up_and_down_is_learnt)
{
	enum { N = 20000 };
	static void *blocks[N];
	size_t before = bound(), excess = 0;
	for (int round = 0; round < 6; round++) {
		excess = 0;
		for (int i = 0; i < N; i++) {
			blocks[i] = tarn_malloc(8192);
			*(char *)blocks[i] = 1;
			((char *)blocks[i])[4096] = 1;
		}
		for (int i = 0; i < N; i++) {
			tarn_free(blocks[i]);
			if (idle_excess_bytes(0) > excess)
				excess = idle_excess_bytes(0);
		}
	}
	cr_assert_geq(bound(), before + 64 * MIB);
	cr_assert_leq(bound(), before + 320 * MIB);
	/* Nothing that comes back is purged any more. */
	cr_assert_leq(excess, 2 * MIB);
}
