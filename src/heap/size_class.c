/*
 * size_class: the tables behind class_of, the first by 16 bytes, of codes.
 *
 * A unit test proves that it and the arithmetic say the same.
 */
#include "heap/size_class.h"

const uint8_t code_of_small[SMALL_BYTES_MAX / BLOCK_ALIGN + 1] = {
	0,  0,	4,  8,	12, 16, 20, 24, 28, 32, 36, 40, 40, 44, 44, 48, 48,
	52, 52, 56, 56, 60, 60, 60, 60, 64, 64, 64, 64, 68, 68, 68, 68, 72,
	72, 72, 72, 76, 76, 76, 76, 80, 80, 80, 80, 80, 80, 80, 80, 84, 84,
	84, 84, 84, 84, 84, 84, 88, 88, 88, 88, 88, 88, 88, 88,
};

const uint8_t class_of_eighths[8] = {0, 1, 2, 2, 3, 3, 4, 4};
