/*
 * size_class: the sizes blocks in pools have.
 *
 * Steps of 16 bytes up to 128, then 8 classes a doubling up to 32 KiB: 144,
 * 160, ... 256, 288, ... A request is rounded up by 4.6 % on average. Every
 * class is a multiple of 16, and a size that is a multiple of a power of two
 * falls into a class that is one as well: that is how aligned blocks are served
 * without a header.
 */
#ifndef TARN_HEAP_SIZE_CLASS_H
#define TARN_HEAP_SIZE_CLASS_H

#include "base/arith.h"
#include "base/attr.h"

#define BLOCK_ALIGN 16
#define SMALL_BYTES_MAX 1024
#define POOL_BYTES_MAX 32768
#define N_CLASSES 72
#define FINE_CLASSES 8 /* 16 to 128 */

#define FOR_EACH_CLASS(class)                                                  \
	for (uint32_t class = 0; (class) < N_CLASSES; (class)++)

/* A pool holds at least so many blocks, in as many slices as that takes. */
#define POOL_SLOTS_MIN 8

/* The class of (n + 15) / 16, for n up to SMALL_BYTES_MAX. */
extern HIDDEN const uint8_t class_of_small[SMALL_BYTES_MAX / BLOCK_ALIGN + 1];

/* For 128 < N <= POOL_BYTES_MAX: the top four bits of N - 1 tell. */
static ALWAYS_INLINE uint32_t class_of_medium(size_t n)
{
	uint32_t last = (uint32_t)n - 1;
	uint32_t shift = 28 - (uint32_t)__builtin_clz(last);
	return shift * 8 + (last >> shift) - 32;
}

/* For N <= POOL_BYTES_MAX. */
static ALWAYS_INLINE uint32_t class_of(size_t n)
{
	if (n <= SMALL_BYTES_MAX)
		return class_of_small[(n + BLOCK_ALIGN - 1) / BLOCK_ALIGN];
	return class_of_medium(n);
}

static inline uint32_t class_block_bytes(uint32_t class)
{
	if (class < FINE_CLASSES)
		return (class + 1) * BLOCK_ALIGN;
	return (class % 8 + 9) << (class / 8 + 3);
}

static inline uint32_t class_pool_slices(uint32_t class)
{
	return (class_block_bytes(class) * POOL_SLOTS_MIN + 0xffff) >> 16;
}

static inline uint32_t class_pool_slots(uint32_t class)
{
	return (class_pool_slices(class) << 16) / class_block_bytes(class);
}

#endif
