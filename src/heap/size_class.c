/*
 * size_class: the tables behind class_of, the first by 16 bytes.
 *
 * A unit test proves that it and the arithmetic say the same.
 */
#include "heap/size_class.h"

const uint8_t class_of_small[SMALL_BYTES_MAX / BLOCK_ALIGN + 1] = {
	0,  0,	1,  2,	3,  4,	5,  6,	7,  8,	9,  10, 10, 11, 11, 12, 12,
	13, 13, 14, 14, 15, 15, 15, 15, 16, 16, 16, 16, 17, 17, 17, 17, 18,
	18, 18, 18, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20, 20, 21, 21,
	21, 21, 21, 21, 21, 21, 22, 22, 22, 22, 22, 22, 22, 22,
};

const uint8_t class_of_eighths[8] = {0, 1, 2, 2, 3, 3, 4, 4};
