/*
 * arith: arithmetic that says when it overflows, and rounding to powers of two.
 */
#ifndef TARN_BASE_ARITH_H
#define TARN_BASE_ARITH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false if A * B or A + B does not fit; *RESULT is then unspecified. */
static inline bool multiply_fits(size_t a, size_t b, size_t *result)
{
	return !__builtin_mul_overflow(a, b, result);
}

static inline bool add_fits(size_t a, size_t b, size_t *result)
{
	return !__builtin_add_overflow(a, b, result);
}

static inline bool is_power_of_two(size_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* TO is a power of two. round_up wraps to 0 past the end. */
static inline size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static inline size_t round_down(size_t n, size_t to)
{
	return n & ~(to - 1);
}

static inline size_t divide_up(size_t n, size_t by)
{
	return n / by + (n % by != 0);
}

static inline size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* n >= 1. */
static inline unsigned log2_floor(size_t n)
{
	return 63 - (unsigned)__builtin_clzl(n);
}

static inline unsigned log2_ceil(size_t n)
{
	return n <= 1 ? 0 : log2_floor(n - 1) + 1;
}

#endif
