/*
 * random: numbers for tests, the same ones for the same seed everywhere.
 */
#ifndef TARN_TESTS_RANDOM_H
#define TARN_TESTS_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* splitmix64: Steele, Lea and Flood 2014. */
static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 <= result < n; n >= 1. */
static inline size_t random_below(struct random *random, size_t n)
{
	return (size_t)(random_next(random) % n);
}

/* low <= result <= high. */
static inline size_t random_between(struct random *random, size_t low,
				    size_t high)
{
	return low + random_below(random, high - low + 1);
}

static inline bool random_one_in(struct random *random, size_t n)
{
	return random_below(random, n) == 0;
}

/* As random_between, but every doubling is equally likely. low >= 1. */
static inline size_t random_by_doubling(struct random *random, size_t low,
					size_t high)
{
	int first = __builtin_clzl(high);
	int last = __builtin_clzl(low);
	int shift =
		63 - (int)random_between(random, (size_t)first, (size_t)last);
	size_t from = (size_t)1 << shift;
	size_t to = from + (from - 1);
	from = from < low ? low : from;
	to = to > high ? high : to;
	return random_between(random, from, to);
}

#endif
