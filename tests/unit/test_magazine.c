/*
 * magazine: full and empty are told by a limit and a NULL, without a count.
 */
#include <criterion/criterion.h>

#include "heap/heap.h"
#include "heap/magazine.h"

static bool is_empty(void **top)
{
	return top[-1] == NULL;
}

Test(magazine, the_one_that_does_not_exist_is_empty_and_full)
{
	cr_assert(is_empty(MAGAZINE_NONE_TOP));
	cr_assert_eq(magazine_capacity(0), 0);
	FOR_EACH_CLASS (class) {
		cr_assert_eq(heap_none.top[class], heap_none.limit[class]);
		cr_assert(is_empty(heap_none.top[class]));
		cr_assert_eq(heap_magazine_count(&heap_none, class), 0);
	}
}

Test(magazine, every_size_counts_from_empty_to_full)
{
	static struct heap heap;
	for (unsigned log = 1; log <= MAGAZINE_LOG_MAX; log++) {
		void **blocks = magazine_make(log);
		cr_assert_not_null(blocks);
		cr_assert(is_empty(blocks));
		heap.magazine_log[3] = (uint8_t)log;
		heap.limit[3] = blocks + magazine_capacity(log);
		heap.top[3] = blocks;
		for (uint32_t n = 0; n < magazine_capacity(log); n++) {
			cr_assert_neq(heap.top[3], heap.limit[3]);
			cr_assert_eq(heap_magazine_count(&heap, 3), n);
			*heap.top[3]++ = &heap;
			cr_assert_not(is_empty(heap.top[3]));
			cr_assert_eq(heap_magazine_blocks(&heap, 3), blocks);
		}
		cr_assert_eq(heap.top[3], heap.limit[3]);
		cr_assert_eq(magazine_capacity(log), (1u << log) - 1);
	}
}

Test(magazine, a_discarded_array_comes_back_empty)
{
	void **blocks = magazine_make(5), **other = magazine_make(5);
	cr_assert_neq(blocks, other);
	blocks[0] = blocks[1] = &blocks;
	magazine_discard(blocks, 5);
	cr_assert_neq(magazine_make(6), blocks);
	void **again = magazine_make(5);
	cr_assert_eq(again, blocks);
	cr_assert(is_empty(again));
}

Test(magazine, many_discarded_arrays_all_come_back)
{
	void **arrays[20];
	for (int i = 0; i < 20; i++)
		arrays[i] = magazine_make(4);
	for (int i = 0; i < 20; i++)
		magazine_discard(arrays[i], 4);
	for (int i = 20; i-- > 0;)
		cr_assert_eq(magazine_make(4), arrays[i]);
}

Test(magazine, the_first_of_a_class_has_room_for_few_bytes)
{
	cr_assert_eq(magazine_log_first(0), MAGAZINE_LOG_FIRST_MAX);
	cr_assert_eq(magazine_log_first(N_CLASSES - 1), 1);
	FOR_EACH_CLASS (class) {
		uint32_t n = magazine_capacity(magazine_log_first(class));
		cr_assert(n == 1 || n * (size_t)class_block_bytes(class) <=
					    MAGAZINE_FIRST_BYTES);
	}
}
