/*
 * aligned: aligned_alloc and posix_memalign, with alignments from 16 bytes to a
 * page, mixed with ordinary blocks, replaced at random.
 */
#include "common/load.h"

#define LIVE_MAX (1 << 15)

static uint64_t live = 4000, operations = 1000000;

static const struct param params[] = {
	{"live", &live, "blocks that live at a time"},
	{"operations", &operations, "blocks replaced in each of 7 times"},
};

static struct {
	char *block;
	size_t size_bytes;
} table[LIVE_MAX];
static struct random random_state = {1};

static void *take_aligned(uint64_t r, size_t align, size_t size_bytes)
{
	void *block = NULL;
	if (r >> 62 == 0)
		block = malloc(size_bytes);
	else if (r >> 63)
		block = aligned_alloc(align, size_bytes);
	else if (posix_memalign(&block, align, size_bytes) != 0)
		block = NULL;
	if (block == NULL)
		load_fail("no memory");
	if (r >> 62 != 0 && (uintptr_t)block % align != 0)
		load_fail("a block is not aligned as it was asked for");
	return block;
}

static void put(size_t i, uint64_t r)
{
	size_t align = (size_t)16 << (r >> 8) % 9;
	/* A multiple of the alignment, as aligned_alloc wants it. */
	size_t size_bytes = align * (1 + (r & 7));
	/* mimalloc 2.0.9 does not align these, and could not be measured. */
	if (align >= 256 && size_bytes <= 1024)
		size_bytes = 3 * align;
	char *block = take_aligned(r, align, size_bytes);
	block[0] = block[size_bytes - 1] = (char)size_bytes;
	table[i].block = block;
	table[i].size_bytes = size_bytes;
}

static uint64_t replace(void)
{
	uint64_t sum = 0;
	for (uint64_t n = 0; n < operations; n++) {
		size_t i = random_below(&random_state, live);
		block_give(table[i].block, table[i].size_bytes);
		put(i, random_next(&random_state));
		sum += table[i].size_bytes;
	}
	load_check(sum);
	return operations;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "replaces aligned blocks at random", params,
		   LENGTH(params));
	if (live == 0 || live > LIVE_MAX)
		load_fail("a parameter is out of range");
	for (size_t i = 0; i < live; i++)
		put(i, random_next(&random_state));
	load_repeat_alone("ns_per_op", 7, NULL, replace);
	for (size_t i = 0; i < live; i++)
		block_give(table[i].block, table[i].size_bytes);
	return load_end();
}
