/*
 * middle: blocks of a slice or a few, replaced at random by threads that have
 * nothing to do with each other.
 *
 * They are too large for the lists of small blocks and too many for calls of
 * the kernel: an allocator that keeps them behind one lock has its threads wait
 * for each other. The work of each thread is the same for any number of
 * threads.
 */
#include "common/load.h"

#define THREADS_MAX 64
#define BLOCKS_MAX 1024

static uint64_t threads = 2, blocks = 16, operations = 400000;
static uint64_t least = 34000, limit = 124000, times = 5;

static const struct param params[] = {
	{"threads", &threads, "at a time"},
	{"blocks", &blocks, "that each has"},
	{"operations", &operations, "blocks replaced in each time, by each"},
	{"least", &least, "smallest size"},
	{"limit", &limit, "largest size"},
	{"times", &times, "that the work is timed"},
};

static struct {
	char *block;
	size_t size_bytes;
} tables[THREADS_MAX][BLOCKS_MAX];

static void run_thread(void *unused, unsigned i)
{
	struct random random = {i};

	(void)unused;
	for (uint64_t n = 0; n < operations + blocks; n++) {
		uint64_t k = n < operations ? random_below(&random, blocks)
					    : n - operations;
		if (tables[i][k].block != NULL)
			block_give(tables[i][k].block, tables[i][k].size_bytes);
		tables[i][k].block = NULL;
		if (n >= operations)
			continue;
		size_t size_bytes =
			least + random_below(&random, limit - least + 1);
		tables[i][k].block = block_take(size_bytes);
		tables[i][k].size_bytes = size_bytes;
	}
}

static uint64_t work(void)
{
	load_threads((unsigned)threads, run_thread, NULL);
	load_check(operations);
	return operations;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "replaces blocks of middle size", params,
		   LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || blocks == 0 ||
	    blocks > BLOCKS_MAX || limit < least || least == 0)
		load_fail("a parameter is out of range");
	load_repeat("ns_per_op", (unsigned)times, NULL, work);
	return load_end();
}
