/*
 * sharing: do blocks of different threads lie in one cache line?
 *
 * Each thread takes a small block, writes to it many times, frees it, takes
 * another. If the allocator gave two threads parts of one line, each write
 * waits for the other processor (active false sharing). With `passive` the
 * first blocks of all threads were taken by one thread, side by side, and each
 * frees the one it was given: an allocator that gives it that place again keeps
 * the threads in each other's lines for ever.
 */
#include "common/load.h"

#define THREADS_MAX 64

static uint64_t threads = 2, passive = 0, blocks = 200000, writes = 200;
static uint64_t size_bytes = 8, times = 5;

static const struct param params[] = {
	{"threads", &threads, "at a time"},
	{"passive", &passive, "1: the first blocks are one thread's"},
	{"blocks", &blocks, "in each time, by all"},
	{"writes", &writes, "to each block"},
	{"size", &size_bytes, "of a block"},
	{"times", &times, "that the work is timed"},
};

static char *given[THREADS_MAX];

static void write_often(volatile char *block)
{
	for (uint64_t k = 0; k < writes; k++)
		block[k % size_bytes]++;
}

static void run_thread(void *unused, unsigned i)
{
	(void)unused;
	free(given[i]);
	for (uint64_t n = blocks / threads; n > 0; n--) {
		volatile char *block = malloc(size_bytes);
		if (block == NULL)
			load_fail("malloc gave no memory");
		block[0] = 0;
		write_often(block);
		free((char *)block);
	}
}

static void prepare(void)
{
	for (uint64_t i = 0; i < threads; i++)
		given[i] = passive ? block_take(size_bytes) : NULL;
}

static uint64_t work(void)
{
	load_threads((unsigned)threads, run_thread, NULL);
	load_check(blocks);
	return blocks;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "writes to small blocks of several threads",
		   params, LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || size_bytes == 0)
		load_fail("a parameter is out of range");
	load_repeat("ns_per_op", (unsigned)times, prepare, work);
	return load_end();
}
