/*
 * size_class: the sizes blocks in pools have.
 *
 * Steps of 16 bytes up to 128, then 5 classes a doubling up to 64 KiB: 9, 10,
 * 12, 14 and 16 eighths of each power of two. The first is for what is a power
 * of two and a header. A request is rounded up by 7 % on average. Every class
 * is a multiple of 16, and a size that is a multiple of a power of two falls
 * into a class that is one as well: that is how aligned blocks are served
 * without a header.
 *
 * The hit paths and the page map name a class by its code (meta/region.h),
 * which is the class times 4: it finds the class's magazine, of 32 bytes,
 * without an instruction more.
 */
#ifndef TARN_HEAP_SIZE_CLASS_H
#define TARN_HEAP_SIZE_CLASS_H

#include "base/arith.h"
#include "base/attr.h"
#include "meta/region.h"

#define BLOCK_ALIGN 16
#define SMALL_BYTES_MAX 1024
#define POOL_BYTES_MAX 65536
#define N_CLASSES 53
#define FINE_CLASSES 8 /* 16 to 128 */
#define CLASSES_A_DOUBLING 5

#define FOR_EACH_CLASS(class)                                                  \
	for (uint32_t class = 0; (class) < N_CLASSES; (class)++)

/* A pool holds at least so many blocks, in as many slices as that takes. */
#define POOL_SLOTS_MIN 8

/* The code of (n + 15) / 16, for n up to SMALL_BYTES_MAX. */
extern HIDDEN const uint8_t code_of_small[SMALL_BYTES_MAX / BLOCK_ALIGN + 1];

/* Which class of its doubling holds a size of 8 and a part to 16 eighths. */
extern HIDDEN const uint8_t class_of_eighths[8];

/* For 128 < N <= POOL_BYTES_MAX: the top four bits of N - 1 tell. */
static ALWAYS_INLINE uint32_t class_of_medium(size_t n)
{
	uint32_t last = (uint32_t)n - 1;
	uint32_t shift = 28 - (uint32_t)__builtin_clz(last);
	return FINE_CLASSES + (shift - 4) * CLASSES_A_DOUBLING +
	       class_of_eighths[last >> shift & 7];
}

/* For N <= POOL_BYTES_MAX. */
static ALWAYS_INLINE uint32_t class_of(size_t n)
{
	if (n <= SMALL_BYTES_MAX)
		return code_class(
			code_of_small[(n + BLOCK_ALIGN - 1) / BLOCK_ALIGN]);
	return class_of_medium(n);
}

static inline uint32_t class_block_bytes(uint32_t class)
{
	if (class < FINE_CLASSES)
		return (class + 1) * BLOCK_ALIGN;
	uint32_t doubling = (class - FINE_CLASSES) / CLASSES_A_DOUBLING;
	uint32_t i = (class - FINE_CLASSES) % CLASSES_A_DOUBLING;
	uint32_t eighths = i == 0 ? 9 : 8 + 2 * i;
	return eighths << (doubling + 4);
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
