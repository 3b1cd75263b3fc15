/*
 * ladder: blocks of all powers of two, taken in every way, filled, and later
 * found unharmed.
 */
#ifndef TARN_TESTS_LADDER_H
#define TARN_TESTS_LADDER_H

#include "expect.h"

#include "pattern.h"

enum { LADDER_BLOCKS = 40 };

struct ladder {
	char *blocks[LADDER_BLOCKS];
};

static inline size_t ladder_bytes(int i)
{
	return (size_t)1 << i / 2;
}

static inline void ladder_fill(struct ladder *ladder, size_t tag)
{
	for (int i = 0; i < LADDER_BLOCKS; i++) {
		size_t bytes = ladder_bytes(i);
		char *block = i % 2 ? malloc(bytes) : calloc(1, bytes);
		free(malloc(bytes));
		block = realloc(block, bytes + 1);
		if (block != NULL)
			pattern_fill(block, bytes, tag);
		ladder->blocks[i] = block;
	}
}

/* Expects what ladder_fill left, and frees it. */
static inline void ladder_free(struct ladder *ladder, size_t tag)
{
	for (int i = 0; i < LADDER_BLOCKS; i++) {
		char *block = ladder->blocks[i];
		if (!EXPECT(block != NULL))
			continue;
		EXPECT(pattern_holds(block, ladder_bytes(i), tag));
		free(block);
	}
}

#endif
