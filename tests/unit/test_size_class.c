/*
 * size_class: the table, the arithmetic and the pools' geometry agree.
 */
#include <criterion/criterion.h>

#include "heap/size_class.h"

Test(size_class, table_and_arithmetic_agree)
{
	for (size_t n = 129; n <= SMALL_BYTES_MAX; n++)
		cr_assert_eq(class_of(n), class_of_medium(n), "%zu bytes", n);
	for (size_t n = 0; n <= SMALL_BYTES_MAX; n++)
		cr_assert_eq(code_of_small[(n + BLOCK_ALIGN - 1) / BLOCK_ALIGN],
			     class_code(class_of(n)), "%zu bytes", n);
}

Test(size_class, a_request_gets_the_smallest_class_that_holds_it)
{
	for (size_t n = 0; n <= POOL_BYTES_MAX; n++) {
		uint32_t class = class_of(n);
		cr_assert_lt(class, N_CLASSES);
		cr_assert_geq(class_block_bytes(class), n);
		cr_assert(class == 0 || class_block_bytes(class - 1) < n,
			  "%zu bytes are class %u", n, class);
	}
}

Test(size_class, classes_rise_in_multiples_of_16)
{
	uint32_t before = 0;
	FOR_EACH_CLASS (class) {
		uint32_t bytes = class_block_bytes(class);
		cr_assert_gt(bytes, before);
		cr_assert_eq(bytes % BLOCK_ALIGN, 0);
		cr_assert_eq(class_of(bytes), class);
		before = bytes;
	}
	cr_assert_eq(before, POOL_BYTES_MAX);
}

/* The page map has so many codes for classes. */
Test(size_class, every_class_has_a_code_below_those_of_other_runs)
{
	FOR_EACH_CLASS (class) {
		cr_assert_eq(code_class(class_code(class)), class);
		cr_assert_lt(class_code(class), CODE_LEAVING);
		cr_assert(entry_is_pool(entry_make(1, class)));
		cr_assert_eq(entry_class(entry_make(7, class)), class);
		cr_assert_eq(entry_owner_id(entry_make(7, class)), 7);
	}
}

Test(size_class, above_128_rounding_costs_a_fifth_at_most)
{
	for (size_t n = 129; n <= POOL_BYTES_MAX; n++) {
		size_t bytes = class_block_bytes(class_of(n));
		cr_assert_leq((bytes - n) * 5, n);
	}
}

/* Aligned requests rely on it: the size is rounded up to the alignment. */
Test(size_class, a_multiple_of_a_power_of_two_gets_one)
{
	for (size_t align = 16; align <= POOL_BYTES_MAX; align *= 2)
		for (size_t n = align; n <= POOL_BYTES_MAX; n += align)
			cr_assert_eq(class_block_bytes(class_of(n)) % align, 0,
				     "%zu bytes at %zu", n, align);
}

Test(size_class, a_pool_holds_eight_blocks_or_more_in_eight_slices_or_fewer)
{
	FOR_EACH_CLASS (class) {
		uint32_t slices = class_pool_slices(class);
		cr_assert(slices >= 1 && slices <= 8);
		cr_assert_geq(class_pool_slots(class), POOL_SLOTS_MIN);
		cr_assert_leq(class_pool_slots(class) *
				      class_block_bytes(class),
			      slices << 16);
	}
}
