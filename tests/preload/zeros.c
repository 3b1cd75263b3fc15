/*
 * zeros: calloc's memory is zero, wherever it comes from, as far as
 * malloc_usable_size tells, and costs no page that is not written.
 */
#include "expect.h"

#include <errno.h>
#include <malloc.h>

#include "pattern.h"
#include "process.h"

/* Leaves dirty memory of SIZE behind for the next block. */
static void dirty(size_t size)
{
	enum { N = 4 };
	char *volatile blocks[N];
	int n = size > 4 * MIB ? 1 : N;
	for (int i = 0; i < n; i++) {
		blocks[i] = malloc(size);
		memset(blocks[i], 0xa5, malloc_usable_size(blocks[i]));
	}
	for (int i = 0; i < n; i++)
		free(blocks[i]);
}

static void reused_memory_is_cleared(size_t size)
{
	dirty(size);
	char *first = calloc(1, size), *second = calloc(size, 1);
	EXPECT(pattern_is_zero(first, malloc_usable_size(first)));
	EXPECT(pattern_is_zero(second, malloc_usable_size(second)));
	memset(first, 0x5a, malloc_usable_size(first));
	free(first);
	first = calloc((size + 6) / 7, 7);
	EXPECT(pattern_is_zero(first, malloc_usable_size(first)));
	free(first);
	free(second);
}

/* What was freed in one size is given out in another. */
static void memory_of_other_sizes_is_cleared(void)
{
	enum { N = 2000 };
	static char *blocks[N];
	uint64_t seed = 1;
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < N; i++) {
			size_t size = pattern_random(&seed) % 40000 + 1;
			blocks[i] = calloc(1, size);
			EXPECT(pattern_is_zero(blocks[i], size));
			memset(blocks[i], 0xa5, size);
		}
		for (int i = 0; i < N; i++)
			free(blocks[i]);
		if (round % 3 == 2)
			malloc_trim(0);
	}
}

/* As much as the kernel lets have; it may know that it has not that much. */
static void gigabytes_cost_nothing(void)
{
	size_t before = process_resident_bytes();
	size_t size = 32 * GIB;
	char *block;
	while ((block = calloc(1, size)) == NULL && errno == ENOMEM)
		size /= 2;
	EXPECT(size >= GIB);
	EXPECT(process_resident_bytes() < before + MIB);
	EXPECT(block[0] == 0 && block[size / 2] == 0 && block[size - 1] == 0);
	free(block);
}

int main(void)
{
	expect_tarn();
	gigabytes_cost_nothing();
	for (size_t size = 1; size <= 64 * MIB; size += size / 4 + 1)
		reused_memory_is_cleared(size);
	reused_memory_is_cleared(64 * MIB);
	memory_of_other_sizes_is_cleared();
	gigabytes_cost_nothing();
	return expect_status();
}
