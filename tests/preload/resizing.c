/*
 * resizing: realloc keeps the contents, gives pages back when it shrinks, and
 * does not touch what it need not.
 */
#include "expect.h"

#include <malloc.h>

#include "pattern.h"
#include "process.h"

/* From FROM bytes to TO, with a neighbour in the way or not. */
static void contents_survive(size_t from, size_t to, int with_neighbour)
{
	char *block = malloc(from);
	void *neighbour = with_neighbour ? malloc(from) : NULL;
	size_t kept = from < to ? from : to;
	pattern_fill(block, from, from);
	block = realloc(block, to);
	EXPECT(block != NULL && pattern_holds(block, kept, from));
	EXPECT(malloc_usable_size(block) >= to);
	memset(block, 1, malloc_usable_size(block));
	free(block);
	free(neighbour);
}

static void contents_survive_every_change_of_size(void)
{
	static const size_t sizes[] = {
		1,     16,    17,     100,    128,     129,	      1000,
		1024,  1025,  4000,   8192,   20000,   32768,	      32769,
		65536, 65537, 100000, 262144, 1 << 20, (1 << 20) + 1, 5 << 20};
	enum { N = sizeof(sizes) / sizeof(*sizes) };
	for (int from = 0; from < N; from++)
		for (int to = 0; to < N; to++)
			for (int i = 0; i < 2; i++)
				contents_survive(sizes[from], sizes[to], i);
}

static void a_growing_block_keeps_its_contents(size_t step)
{
	char *block = NULL;
	size_t size = 0;
	for (int i = 0; i < 400; i++) {
		block = realloc(block, size + step);
		if (!EXPECT(block != NULL))
			return;
		memset(block + size, i, step);
		size += step;
	}
	for (size_t i = 0; i < size; i++)
		if (!EXPECT(block[i] == (char)(i / step)))
			break;
	for (; size > step; size -= step) {
		block = realloc(block, size - step);
		EXPECT(block[size - step - 1] == (char)(size / step - 2));
	}
	free(block);
}

static void random_changes_keep_the_contents(void)
{
	enum { N = 64 };
	static char *blocks[N];
	static size_t sizes[N];
	uint64_t seed = 2;
	for (int step = 0; step < 20000; step++) {
		size_t i = pattern_random(&seed) % N;
		int shift = (int)(pattern_random(&seed) % 19);
		size_t size = pattern_random(&seed) % ((size_t)1 << shift) + 1;
		size_t kept = size < sizes[i] ? size : sizes[i];
		blocks[i] = realloc(blocks[i], size);
		EXPECT(pattern_holds(blocks[i], kept, i));
		pattern_fill(blocks[i], size, i);
		sizes[i] = size;
	}
	for (int i = 0; i < N; i++)
		free(blocks[i]);
}

static void shrinking_gives_pages_back(void)
{
	char *block = malloc(256 * MIB);
	memset(block, 1, 256 * MIB);
	size_t before = process_resident_bytes();
	block = realloc(block, 16 * MIB);
	EXPECT(process_resident_bytes() < before - 200 * MIB);
	pattern_fill(block, MIB, 3);
	before = process_resident_bytes();
	block = realloc(block, MIB);
	EXPECT(process_resident_bytes() < before - 10 * MIB);
	EXPECT(pattern_holds(block, MIB, 3));
	free(block);
}

static void growing_touches_nothing(void)
{
	char *block = malloc(MIB);
	pattern_fill(block, MIB, 4);
	size_t before = process_resident_bytes();
	block = realloc(block, GIB);
	EXPECT(process_resident_bytes() < before + 2 * MIB);
	EXPECT(pattern_holds(block, MIB, 4));
	free(block);
}

int main(void)
{
	static const size_t steps[] = {1, 16, 100, 4096, 10000, 100000};
	expect_tarn();
	contents_survive_every_change_of_size();
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		a_growing_block_keeps_its_contents(steps[i]);
	random_changes_keep_the_contents();
	shrinking_gives_pages_back();
	growing_touches_nothing();
	return expect_status();
}
