/*
 * fill: takes blocks of one size until there is no more memory. The blocks are
 * chained through their first words, so that no other memory is needed.
 */
#ifndef TARN_TESTS_FILL_H
#define TARN_TESTS_FILL_H

#include "expect.h"

#include <errno.h>
#include <stddef.h>

struct filling {
	void **last;
	size_t n_blocks;
	size_t bytes;
};

/* Adds a block of SIZE to FILLING. False, with ENOMEM, if there is none. */
static inline int fill_one(struct filling *filling, size_t size)
{
	errno = 0;
	void **block = (void **)malloc(size);
	if (block == NULL) {
		EXPECT(errno == ENOMEM);
		return 0;
	}
	*block = filling->last;
	filling->last = block;
	filling->n_blocks++;
	filling->bytes += size;
	return 1;
}

static inline struct filling fill_all(size_t size)
{
	struct filling filling = {NULL, 0, 0};
	while (fill_one(&filling, size))
		continue;
	return filling;
}

/* Frees the newest N blocks, or all that there are. */
static inline void fill_free(struct filling *filling, size_t n)
{
	for (; n > 0 && filling->last != NULL; n--) {
		void **block = filling->last;
		filling->last = (void **)*block;
		filling->n_blocks--;
		free(block);
	}
}

#endif
