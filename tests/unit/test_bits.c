/*
 * bits: ranges that begin, end and cross at the borders of words.
 */
#include <criterion/criterion.h>

#include "base/bits.h"

Test(bits, a_mask_has_its_ends_and_nothing_else)
{
	for (unsigned first = 0; first < 64; first++)
		for (unsigned last = first; last < 64; last++) {
			uint64_t mask = bits_mask(first, last);
			for (unsigned i = 0; i < 64; i++)
				cr_assert_eq(mask >> i & 1,
					     i >= first && i <= last);
		}
}

Test(bits, the_lowest_none_and_the_lowest_64)
{
	cr_assert_eq(bits_low(0), 0);
	cr_assert_eq(bits_low(1), 1);
	cr_assert_eq(bits_low(63), UINT64_MAX / 2);
	cr_assert_eq(bits_low(64), UINT64_MAX);
}

Test(bits, words_for_no_bits_are_none)
{
	cr_assert_eq(bits_words(0), 0);
	cr_assert_eq(bits_words(1), 1);
	cr_assert_eq(bits_words(64), 1);
	cr_assert_eq(bits_words(65), 2);
}

Test(bits, setting_and_clearing_leaves_the_others)
{
	uint64_t words[3] = {0};
	bits_set(words, 63);
	bits_set(words, 64);
	bits_set(words, 191);
	cr_assert(bits_test(words, 63) && bits_test(words, 64) &&
		  bits_test(words, 191));
	cr_assert_eq(bits_count(words, 3), 3);
	bits_clear(words, 64);
	cr_assert_not(bits_test(words, 64));
	cr_assert_eq(words[0], UINT64_C(1) << 63);
	cr_assert_eq(words[2], UINT64_C(1) << 63);
}

/*
 * For each range: set it, then look at it and at those one wider and narrower.
 */
Test(bits, all_set_sees_one_missing_bit_at_either_end)
{
	for (size_t first = 1; first < 190; first += 3)
		for (size_t last = first; last < 191; last += 7) {
			uint64_t words[3] = {0};
			for (size_t i = first; i <= last; i++)
				bits_set(words, i);
			cr_assert(bits_all_set(words, first, last));
			cr_assert_not(bits_all_set(words, first - 1, last));
			cr_assert_not(bits_all_set(words, first, last + 1));
			bits_clear(words, (first + last) / 2);
			cr_assert_not(bits_all_set(words, first, last));
		}
}
