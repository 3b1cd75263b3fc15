/*
 * magazine: full and empty are told by a limit and a NULL, without a count;
 * what of a slice can be a slot's start; and theft, whatever the owner was
 * doing.
 */
#include <criterion/criterion.h>

#include <string.h>

#include "heap/heap.h"
#include "heap/magazine.h"

static bool is_empty(void **top)
{
	return top[-1] == NULL;
}

static bool is_full(const struct magazine *magazine)
{
	return magazine->top >= magazine->limit;
}

static struct magazine make(unsigned log)
{
	struct magazine magazine = magazine_absent(3);
	cr_assert(magazine_resize_locked(&magazine, log));
	cr_assert_eq(magazine_log(&magazine), log);
	return magazine;
}

static void discard(struct magazine *magazine)
{
	magazine->top = magazine->blocks;
	cr_assert(magazine_resize_locked(magazine, 0));
}

Test(magazine, the_one_that_does_not_exist_is_empty_and_full)
{
	cr_assert(is_empty(MAGAZINE_NOWHERE));
	cr_assert_eq(magazine_capacity(0), 0);
	FOR_EACH_CLASS (class) {
		struct magazine absent = magazine_absent(class);
		const struct magazine *all[] = {&absent,
						&heap_none.magazines[class],
						&heap_gone.magazines[class],
						&heap_common.magazines[class]};
		for (int i = 0; i < 4; i++) {
			cr_assert(is_full(all[i]));
			cr_assert(is_empty(all[i]->top));
			cr_assert_not(magazine_exists(all[i]));
			cr_assert_eq(magazine_count(all[i]), 0);
			cr_assert_eq(magazine_log(all[i]), 0);
		}
	}
}

Test(magazine, every_size_counts_from_empty_to_full)
{
	for (unsigned log = 2; log <= MAGAZINE_LOG_MAX; log++) {
		struct magazine magazine = make(log);
		void **blocks = magazine.blocks;
		cr_assert(magazine_exists(&magazine));
		cr_assert(is_empty(magazine.top));
		for (uint32_t n = 0; n < magazine_capacity(log); n++) {
			uint32_t n_free;
			cr_assert_not(is_full(&magazine));
			cr_assert_eq(magazine_count(&magazine), n);
			*magazine.top++ = &magazine;
			cr_assert_not(is_empty(magazine.top));
			cr_assert_eq(magazine_free_blocks(&magazine, &n_free),
				     blocks);
			cr_assert_eq(n_free, n + 1);
		}
		cr_assert(is_full(&magazine));
		cr_assert_eq(magazine.top, magazine.limit);
		cr_assert_eq(magazine_capacity(log), (1u << log) - 2);
	}
}

/* What free() compares with, two words below top, is no block's address. */
Test(magazine, two_words_below_the_first_block_are_no_blocks)
{
	for (unsigned log = 2; log <= MAGAZINE_LOG_MAX; log++) {
		struct magazine magazine = make(log);
		void **blocks = magazine.blocks;
		cr_assert_null(blocks[-1]);
		cr_assert_neq((uintptr_t)blocks[-2] % BLOCK_ALIGN, 0);
		magazine.top += 2;
		cr_assert(magazine_rob_locked(&magazine));
		cr_assert_null(blocks[-1]);
		cr_assert_neq((uintptr_t)blocks[-2] % BLOCK_ALIGN, 0);
	}
}

Test(magazine, a_discarded_array_comes_back_empty)
{
	struct magazine one = make(5), other = make(5);
	void **blocks = one.blocks;
	cr_assert_neq(blocks, other.blocks);
	blocks[0] = blocks[1] = &blocks;
	discard(&one);
	cr_assert_not(magazine_exists(&one));
	cr_assert(is_full(&one) && is_empty(one.top));
	cr_assert_neq(make(6).blocks, blocks);
	struct magazine again = make(5);
	cr_assert_eq(again.blocks, blocks);
	cr_assert(is_empty(again.top));
	cr_assert_eq(magazine_count(&again), 0);
}

Test(magazine, many_discarded_arrays_all_come_back)
{
	struct magazine magazines[20];
	void **arrays[20];
	for (int i = 0; i < 20; i++) {
		magazines[i] = make(4);
		arrays[i] = magazines[i].blocks;
	}
	for (int i = 0; i < 20; i++)
		discard(&magazines[i]);
	for (int i = 20; i-- > 0;)
		cr_assert_eq(make(4).blocks, arrays[i]);
}

Test(magazine, another_array_takes_over_what_the_old_one_holds)
{
	static char bytes[200];
	struct magazine magazine = make(3);
	const unsigned logs[] = {4, 8, 7, 12, 3};
	for (int i = 0; i < 5; i++)
		*magazine.top++ = &bytes[i];
	for (size_t k = 0; k < sizeof(logs) / sizeof(*logs); k++) {
		cr_assert(magazine_resize_locked(&magazine, logs[k]));
		cr_assert_eq(magazine_count(&magazine), 5);
		cr_assert_eq(magazine.limit - magazine.blocks,
			     magazine_capacity(logs[k]));
		for (int i = 0; i < 5; i++)
			cr_assert_eq(magazine.blocks[i], &bytes[i]);
		cr_assert_null(magazine.blocks[-1]);
	}
}

Test(magazine, the_first_of_a_class_has_room_for_few_bytes)
{
	cr_assert_eq(magazine_log_first(0), MAGAZINE_LOG_FIRST_MAX);
	cr_assert_eq(magazine_log_first(N_CLASSES - 1), 2);
	FOR_EACH_CLASS (class) {
		uint32_t n = magazine_capacity(magazine_log_first(class));
		cr_assert(n == 2 || n * (size_t)class_block_bytes(class) <=
					    MAGAZINE_FIRST_BYTES);
	}
}

/* Of classes with several slices a slot may start anywhere in a slice. */
Test(magazine, starts_are_the_multiples_of_the_block_in_every_class)
{
	const uintptr_t base = (uintptr_t)0x5a5a << 32;
	FOR_EACH_CLASS (class) {
		struct magazine magazine = magazine_absent(class);
		uint32_t bytes = class_block_bytes(class);
		bool is_one = class_pool_slices(class) == 1;
		for (uintptr_t at = 0; at < 1 << 16; at++)
			cr_assert_eq(magazine_is_start(magazine.multiplier,
						       magazine.most,
						       base + at),
				     !is_one || at % bytes == 0,
				     "%zu in a slice of %u", (size_t)at, bytes);
	}
}

/* --- theft --------------------------------------------------------------- */

#define LOG 6

/* What the owner was doing when the thief came. */
enum doing {
	NOTHING,
	MALLOC, /* had read top: adds its -1 to what the thief wrote */
	FREE,	/* the same with 1 */
	MALLOC_OVER_THEFT, /* was within its instruction: stores over it */
	FREE_OVER_THEFT,
	N_DOINGS,
};

static char fakes[1 << LOG];
static unsigned n_seen[1 << LOG];

static void see(void *const *blocks, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		n_seen[(char *)blocks[i] - fakes]++;
}

/* The second half of what the owner does, with the TOP that it had read. */
static void *go_on(struct magazine *magazine, enum doing doing, void **top,
		   void *freed)
{
	void *taken = NULL;
	if (doing == MALLOC || doing == MALLOC_OVER_THEFT)
		taken = top[-1];
	if (doing == FREE || doing == FREE_OVER_THEFT)
		*top = freed;
	if (doing == MALLOC)
		magazine->top -= taken != NULL;
	else if (doing == FREE)
		magazine->top++;
	else if (doing == MALLOC_OVER_THEFT)
		magazine->top = top - (taken != NULL);
	else if (doing == FREE_OVER_THEFT)
		magazine->top = top + 1;
	return taken;
}

static bool is_before_barrier(enum doing doing)
{
	return doing == MALLOC_OVER_THEFT || doing == FREE_OVER_THEFT;
}

/* Each block, and the one that was being freed, is in one place afterwards. */
static void assert_each_once(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		cr_assert_eq(n_seen[i], 1, "block %u is in %u places", i,
			     n_seen[i]);
}

static void steal(uint32_t n, enum doing doing, bool has_passed)
{
	struct magazine magazine = make(LOG);
	memset(n_seen, 0, sizeof(n_seen));
	for (uint32_t i = 0; i < n; i++)
		*magazine.top++ = &fakes[i];
	void **top = magazine.top, *freed = &fakes[n], *taken = NULL;
	bool is_freeing = doing == FREE || doing == FREE_OVER_THEFT;
	cr_assert_eq(magazine_rob_locked(&magazine), n >= 2);
	if (n < 2)
		return;
	cr_assert(is_empty(magazine.top) && is_full(&magazine));
	if (is_before_barrier(doing))
		taken = go_on(&magazine, doing, top, freed);
	uint32_t n_stolen, n_left;
	void **stolen =
		magazine_robbed_locked(&magazine, has_passed, &n_stolen);
	cr_assert_eq(n_stolen,
		     has_passed && !is_before_barrier(doing) ? n - 1 : 0);
	see(stolen, n_stolen);
	if (!is_before_barrier(doing))
		taken = go_on(&magazine, doing, top, freed);
	if (taken != NULL)
		see(&taken, 1);
	/* A second thief gets nothing, or what a thief may have. */
	magazine_regain_locked(&magazine);
	void **left = magazine_free_blocks(&magazine, &n_left);
	cr_assert_eq(left, magazine.blocks);
	cr_assert_eq(magazine.top, left + n_left);
	cr_assert_eq(magazine.limit, left + magazine_capacity(LOG));
	see(left, n_left);
	assert_each_once(n + is_freeing);
	discard(&magazine);
}

Test(magazine, whatever_the_owner_was_doing_no_block_is_lost_or_twice)
{
	for (uint32_t n = 0; n < magazine_capacity(LOG); n++)
		for (enum doing doing = NOTHING; doing < N_DOINGS; doing++) {
			steal(n, doing, true);
			steal(n, doing, false);
		}
}

Test(magazine, until_its_owner_comes_a_robbed_one_tells_what_is_left)
{
	struct magazine magazine = make(LOG);
	uint32_t n, n_left;
	for (uint32_t i = 0; i < 20; i++)
		*magazine.top++ = &fakes[i];
	void **top = magazine.top;
	cr_assert(magazine_rob_locked(&magazine));
	cr_assert_not(magazine_rob_locked(&magazine));
	magazine_robbed_locked(&magazine, true, &n);
	cr_assert_eq(n, 19);
	cr_assert_eq(magazine_count(&magazine), 1);
	cr_assert_eq(*magazine_free_blocks(&magazine, &n_left), &fakes[19]);
	cr_assert_not(magazine_rob_locked(&magazine));
	*top = &fakes[20];
	magazine.top++; /* a free that comes late */
	void **left = magazine_free_blocks(&magazine, &n_left);
	cr_assert_eq(n_left, 2);
	cr_assert_eq(left[1], &fakes[20]);
	magazine.top -= 2; /* a malloc instead of it */
	cr_assert_eq(magazine_count(&magazine), 0);
}

Test(magazine, one_that_the_thief_could_not_have_can_be_robbed_again)
{
	struct magazine magazine = make(LOG);
	uint32_t n;
	for (uint32_t i = 0; i < 20; i++)
		*magazine.top++ = &fakes[i];
	void **top = magazine.top;
	cr_assert(magazine_rob_locked(&magazine));
	magazine.top = top - 1; /* stored over it */
	magazine_robbed_locked(&magazine, true, &n);
	cr_assert_eq(n, 0);
	cr_assert_eq(magazine.limit, magazine.blocks + magazine_capacity(LOG));
	cr_assert(magazine_rob_locked(&magazine));
	magazine_robbed_locked(&magazine, true, &n);
	cr_assert_eq(n, 18);
}
