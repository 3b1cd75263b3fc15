/*
 * magazine: a thread's array of pointers to free blocks of one size class.
 *
 *	array           array + 1 ...          top           limit
 *	| NULL          | block | ... | block  | not used ... |
 *
 * The array has 2^k words. The NULL below the first block says, read as a
 * block, that the magazine is empty; top == limit says that it is full. There
 * is no count, and no test for a magazine that does not exist: that one is
 * empty and full at once.
 */
#ifndef TARN_HEAP_MAGAZINE_H
#define TARN_HEAP_MAGAZINE_H

#include "base/attr.h"
#include "heap/size_class.h"

#define MAGAZINE_LOG_MAX 12 /* 4095 blocks */

/* The first magazine of a class has room for so many bytes, but for 1 block at
 * least and 7 at most. */
#define MAGAZINE_LOG_FIRST_MAX 3
#define MAGAZINE_FIRST_BYTES ((size_t)4096)

/* The magazine that does not exist: its log is 0, its top is its limit. */
extern void *const magazine_none[2];
#define MAGAZINE_NONE_TOP ((void **)&magazine_none[1])

/* How many blocks a magazine of 2^LOG words holds; 0 for the one that does not
 * exist. */
static inline uint32_t magazine_capacity(unsigned log)
{
	return (1u << log) - 1;
}

/* log2 of the words of the first magazine of CLASS. */
unsigned magazine_log_first(uint32_t class);

/*
 * Room for the blocks of an empty magazine of 2^LOG words, or NULL if the OS
 * refuses. magazine_discard takes it back. Thread-safe.
 */
void **magazine_make(unsigned log);
void magazine_discard(void **blocks, unsigned log);

#endif
