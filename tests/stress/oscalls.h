/*
 * oscalls: stands between tarn and the kernel's memory calls.
 *
 * A program linked with -Wl,--wrap=munmap and so on for each call has its calls
 * come here. They are counted, some of them fail as the plan says, and of those
 * that do not it is known what they left mapped. The plan comes from the
 * environment, because the first calls may be made before main.
 */
#ifndef TARN_TESTS_OSCALLS_H
#define TARN_TESTS_OSCALLS_H

#include <stddef.h>

enum {
	OSCALL_MMAP = 1,
	OSCALL_MUNMAP = 2,
	OSCALL_MADVISE = 4,
	OSCALL_MREMAP = 8,
	OSCALL_MPROTECT = 16,
	OSCALLS_ALL = 31,
};

/* "KINDS:FROM:COUNT": of the calls of these kinds, numbered from 1, COUNT fail
 * with ENOMEM, the first of them number FROM. */
#define OSCALLS_PLAN "TARN_TEST_PLAN"

/* Calls of the plan's kinds so far; how many of them were failed. */
unsigned long oscalls_made(void);
unsigned long oscalls_failed(void);

/* From now on no call fails but by the kernel's will. */
void oscalls_relent(void);

/* Bytes that are mapped by the calls seen. */
size_t oscalls_mapped_bytes(void);

#endif
