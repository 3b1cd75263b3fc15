/*
 * alignments: from 8 bytes to 1 GiB, at every entry point, several blocks
 * alive at a time.
 */
#include "expect.h"

#include <malloc.h>
#include <stdint.h>

#include "pattern.h"
#include "process.h"

enum { ALIVE = 3, SAMPLE = 4096 };

static void *allocate(int how, size_t alignment, size_t size)
{
	void *block = NULL;
	if (how == 0)
		return aligned_alloc(alignment, size);
	if (how == 1)
		return memalign(alignment, size);
	return posix_memalign(&block, alignment, size) == 0 ? block : NULL;
}

static size_t sample_of(size_t size)
{
	return size < SAMPLE ? size : SAMPLE;
}

static void blocks_are_aligned(size_t alignment, size_t size)
{
	char *blocks[ALIVE];
	for (int i = 0; i < ALIVE; i++) {
		blocks[i] = allocate(i, alignment, size);
		if (!EXPECT(blocks[i] != NULL))
			return;
		EXPECT((uintptr_t)blocks[i] % alignment == 0);
		size_t usable = malloc_usable_size(blocks[i]);
		EXPECT(usable >= size);
		blocks[i][usable - 1] = (char)i;
		pattern_fill(blocks[i], sample_of(size), (size_t)i);
	}
	for (int i = 0; i < ALIVE; i++) {
		EXPECT(pattern_holds(blocks[i], sample_of(size), (size_t)i));
		blocks[i] = realloc(blocks[i], size + size / 2 + 1);
		EXPECT(blocks[i] != NULL);
	}
	for (int i = 0; i < ALIVE; i++) {
		EXPECT(pattern_holds(blocks[i], sample_of(size), (size_t)i));
		free(blocks[i]);
	}
}

static void an_aligned_block_costs_no_pages(void)
{
	size_t before = process_resident_bytes();
	void *block = aligned_alloc(GIB, 100 * MIB);
	EXPECT(process_resident_bytes() < before + MIB);
	free(block);
}

int main(void)
{
	static const size_t sizes[] = {1,	24,	 100,	   1000,
				       4096,	5000,	 32 << 10, 100000,
				       3 << 20, 40 << 20};
	expect_tarn();
	for (size_t alignment = 8; alignment <= GIB; alignment *= 2)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			blocks_are_aligned(alignment, sizes[i]);
	an_aligned_block_costs_no_pages();
	return expect_status();
}
