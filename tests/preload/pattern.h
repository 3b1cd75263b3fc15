/*
 * pattern: blocks filled with bytes that tell whose they are.
 */
#ifndef TARN_TESTS_PATTERN_H
#define TARN_TESTS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* The byte at INDEX of a block filled for TAG. */
static inline unsigned char pattern_byte(size_t tag, size_t index)
{
	return (unsigned char)(tag * 131 + index * 7 + (index >> 8) + 1);
}

static inline void pattern_fill(void *block, size_t bytes, size_t tag)
{
	volatile unsigned char *at = (volatile unsigned char *)block;
	for (size_t i = 0; i < bytes; i++)
		at[i] = pattern_byte(tag, i);
}

/* True if the first BYTES of BLOCK are as pattern_fill left them. */
static inline int pattern_holds(const void *block, size_t bytes, size_t tag)
{
	const unsigned char *at = (const unsigned char *)block;
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != pattern_byte(tag, i))
			return 0;
	return 1;
}

static inline int pattern_is_zero(const void *block, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)block;
	for (size_t i = 0; i < bytes; i++)
		if (at[i] != 0)
			return 0;
	return 1;
}

/* splitmix64: the next of the numbers that follow from *STATE. */
static inline uint64_t pattern_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
