/*
 * cold: blocks that are not in the processor's cache when they are freed.
 *
 * A heap far larger than the cache is filled, and the order of its blocks drawn
 * anew before each time, untimed. Then either each block is replaced by another
 * (churn), or all are freed, and the heap filled again, untimed. An allocator
 * that writes into the blocks it frees waits for memory each time; with touch=1
 * the program reads each block before it frees it, and waits itself.
 */
#include "common/load.h"

#include <string.h>
#include <sys/mman.h>

static uint64_t n_blocks = 4 << 20, size_from = 64, size_to = 64, churn = 1;
static uint64_t touch = 0, operations = 4 << 20, times = 3;

static const struct param params[] = {
	{"blocks", &n_blocks, "that live at a time"},
	{"from", &size_from, "smallest size, at least 8"},
	{"to", &size_to, "largest size"},
	{"churn", &churn, "1: replace blocks, 0: free all of them"},
	{"touch", &touch, "1: read what is freed and write what is new"},
	{"operations", &operations, "of a churn, at most as many as blocks"},
	{"times", &times, "that the work is timed"},
};

/* Scattered evenly from the smallest to the largest. */
static size_t size_of(uint64_t i)
{
	return size_from + i * 40503 % (size_to - size_from + 1);
}

static char **blocks;

static char *take(uint64_t i)
{
	char *block = malloc(size_of(i));
	if (block == NULL)
		load_fail("malloc gave no memory");
	return block;
}

/* Each block is named by its first bytes, so that none can be two. */
static void write_names(void)
{
	for (uint64_t i = 0; i < n_blocks; i++)
		memcpy(blocks[i], &i, sizeof(i));
}

static void check_names(void)
{
	uint64_t name, sum = 0;
	for (uint64_t i = 0; i < n_blocks; i++) {
		memcpy(&name, blocks[i], sizeof(name));
		if (name != i)
			load_fail("two blocks are one");
		sum += name;
	}
	load_check(sum);
}

static void shuffle(void)
{
	static struct random random_state = {3};
	for (uint64_t i = n_blocks - 1; i > 0; i--) {
		uint64_t k = random_below(&random_state, i + 1);
		char *other = blocks[k];
		blocks[k] = blocks[i];
		blocks[i] = other;
	}
}

static void fill(void)
{
	for (uint64_t i = 0; i < n_blocks; i++)
		blocks[i] = take(i);
	write_names();
	check_names();
	shuffle();
}

/* The name is below the number of blocks, or the block was overwritten. */
static void look_and_free(char *block)
{
	if (touch) {
		uint64_t name;
		memcpy(&name, block, sizeof(name));
		if (name >= n_blocks)
			load_fail("a block has lost its contents");
	}
	free(block);
}

static uint64_t replace(void)
{
	for (uint64_t i = 0; i < operations; i++) {
		look_and_free(blocks[i]);
		blocks[i] = take(i);
		if (touch)
			memcpy(blocks[i], &i, sizeof(i));
	}
	return operations;
}

static uint64_t free_all(void)
{
	for (uint64_t i = 0; i < n_blocks; i++)
		look_and_free(blocks[i]);
	return n_blocks;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "frees blocks that are not in cache", params,
		   LENGTH(params));
	if (n_blocks == 0 || n_blocks >> 32 ||
	    (churn && operations > n_blocks) || size_from < sizeof(uint64_t) ||
	    size_to < size_from)
		load_fail("a parameter is out of range");
	blocks = mmap(NULL, n_blocks * sizeof(*blocks), PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (blocks == MAP_FAILED)
		load_fail("no memory for the table of blocks");
	if (churn) {
		fill();
		load_repeat_alone("ns_per_op", (unsigned)times, shuffle,
				  replace);
		write_names();
		check_names();
	} else {
		load_repeat_alone("ns_per_op", (unsigned)times, fill, free_all);
	}
	return load_end();
}
