/*
 * arith: overflow is told, rounding is exact at its edges.
 */
#include <criterion/criterion.h>

#include "base/arith.h"

Test(arith, a_product_that_overflows_is_told)
{
	size_t result;
	cr_assert(multiply_fits(0, SIZE_MAX, &result));
	cr_assert_eq(result, 0);
	cr_assert(multiply_fits(SIZE_MAX, 1, &result));
	cr_assert_eq(result, SIZE_MAX);
	cr_assert(multiply_fits((size_t)1 << 31, (size_t)1 << 32, &result));
	cr_assert_not(multiply_fits((size_t)1 << 32, (size_t)1 << 32, &result));
	cr_assert_not(multiply_fits(SIZE_MAX / 3, 4, &result));
}

Test(arith, a_sum_that_overflows_is_told)
{
	size_t result;
	cr_assert(add_fits(SIZE_MAX - 5, 5, &result));
	cr_assert_eq(result, SIZE_MAX);
	cr_assert_not(add_fits(SIZE_MAX - 5, 6, &result));
}

Test(arith, zero_is_no_power_of_two)
{
	cr_assert_not(is_power_of_two(0));
	for (unsigned i = 0; i < 64; i++) {
		size_t n = (size_t)1 << i;
		cr_assert(is_power_of_two(n));
		cr_assert_not(is_power_of_two(n + n / 2 + 1) && n > 2);
	}
}

Test(arith, rounding_up_keeps_multiples_and_wraps_past_the_end)
{
	cr_assert_eq(round_up(0, 16), 0);
	cr_assert_eq(round_up(1, 16), 16);
	cr_assert_eq(round_up(16, 16), 16);
	cr_assert_eq(round_up(17, 16), 32);
	cr_assert_eq(round_up(SIZE_MAX, 4096), 0);
}

Test(arith, rounding_down_keeps_multiples)
{
	cr_assert_eq(round_down(15, 16), 0);
	cr_assert_eq(round_down(16, 16), 16);
	cr_assert_eq(round_down(SIZE_MAX, 4096), SIZE_MAX - 4095);
}

Test(arith, divide_up_does_not_overflow)
{
	cr_assert_eq(divide_up(0, 7), 0);
	cr_assert_eq(divide_up(7, 7), 1);
	cr_assert_eq(divide_up(8, 7), 2);
	cr_assert_eq(divide_up(SIZE_MAX, 2), SIZE_MAX / 2 + 1);
}

Test(arith, the_logs_enclose_their_number)
{
	cr_assert_eq(log2_floor(1), 0);
	cr_assert_eq(log2_ceil(0), 0);
	cr_assert_eq(log2_ceil(1), 0);
	cr_assert_eq(log2_floor(SIZE_MAX), 63);
	for (size_t n = 2; n < 5000; n++) {
		cr_assert_leq((size_t)1 << log2_floor(n), n);
		cr_assert_gt((size_t)2 << log2_floor(n), n);
		cr_assert_geq((size_t)1 << log2_ceil(n), n);
		cr_assert_lt((size_t)1 << (log2_ceil(n) - 1), n);
	}
}

Test(arith, the_smaller_and_the_larger_size)
{
	cr_assert_eq(min_size(3, SIZE_MAX), 3);
	cr_assert_eq(max_size(3, SIZE_MAX), SIZE_MAX);
}
