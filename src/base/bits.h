/*
 * bits: ranges in arrays of 64-bit words. Bit i is bit i % 64 of word i / 64.
 */
#ifndef TARN_BASE_BITS_H
#define TARN_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t bits_words(size_t n_bits)
{
	return (n_bits + 63) / 64;
}

/* Bits FIRST to LAST inside one word; 0 <= FIRST <= LAST <= 63. */
static inline uint64_t bits_mask(unsigned first, unsigned last)
{
	return (~UINT64_C(0) >> (63 - last)) & (~UINT64_C(0) << first);
}

/* The lowest N bits; 0 <= N <= 64. */
static inline uint64_t bits_low(unsigned n)
{
	return n == 0 ? 0 : ~UINT64_C(0) >> (64 - n);
}

static inline bool bits_test(const uint64_t *words, size_t i)
{
	return words[i / 64] >> (i % 64) & 1;
}

static inline void bits_set(uint64_t *words, size_t i)
{
	words[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void bits_clear(uint64_t *words, size_t i)
{
	words[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* True if every bit from FIRST to LAST (inclusive) is set. */
static inline bool bits_all_set(const uint64_t *words, size_t first,
				size_t last)
{
	for (size_t w = first / 64; w <= last / 64; w++) {
		unsigned low = w == first / 64 ? first % 64 : 0;
		unsigned high = w == last / 64 ? last % 64 : 63;
		uint64_t mask = bits_mask(low, high);
		if ((words[w] & mask) != mask)
			return false;
	}
	return true;
}

/* How many bits of WORD are set, without the call into libgcc that compilers
 * make of their builtin where the processor might lack the instruction. */
static inline unsigned bits_count_word(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
	       (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(word * UINT64_C(0x0101010101010101) >> 56);
}

static inline size_t bits_count(const uint64_t *words, size_t n_words)
{
	size_t n = 0;
	for (size_t w = 0; w < n_words; w++)
		n += bits_count_word(words[w]);
	return n;
}

#endif
