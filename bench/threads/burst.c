/*
 * burst: threads that have nothing to do with each other, and grow and shrink.
 *
 * Each takes many blocks and frees all of them, in phases of different sizes,
 * so that memory freed in one phase must serve another, and memory freed by one
 * thread another. With `steady` each keeps a table and replaces random blocks.
 * The work is the same for any number of threads.
 */
#include "common/load.h"
#include "threads/work.h"

#define THREADS_MAX 64
#define BLOCKS_MAX 8192

static uint64_t threads = 2, blocks = 4000, operations = 2000000;
static uint64_t steady = 0, limit = 4096, times = 5;

static const struct param params[] = {
	{"threads", &threads, "at a time"},
	{"blocks", &blocks, "that each has at most"},
	{"operations", &operations, "blocks taken in each time, by all"},
	{"steady", &steady, "1: replace random blocks"},
	{"limit", &limit, "largest size"},
	{"times", &times, "that the work is timed"},
};

static struct slot tables[THREADS_MAX][BLOCKS_MAX];

/* Every fourth phase larger blocks, and fewer. */
static void one_phase(struct slot *table, uint64_t phase, struct random *random,
		      uint64_t *left)
{
	uint64_t n = phase % 4 == 3 ? blocks / 8 : blocks;
	size_t scale = phase % 4 == 3 ? 8 : 1;

	n = n < *left ? n : *left;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t r = random_next(random);
		work_put(&table[i], scale * work_size(r, limit));
	}
	for (uint64_t i = 0; i < n; i++)
		work_give(&table[i]);
	*left -= n;
}

static void run_thread(void *unused, unsigned i)
{
	struct random random = {i};
	uint64_t left = operations / threads;

	(void)unused;
	if (steady)
		work_replace(tables[i], blocks, &random, left, limit);
	for (uint64_t phase = 0; !steady && left > 0; phase++)
		one_phase(tables[i], phase, &random, &left);
}

static uint64_t work(void)
{
	load_threads((unsigned)threads, run_thread, NULL);
	load_check(operations);
	return operations;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "threads that allocate on their own", params,
		   LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || blocks < 8 ||
	    blocks > BLOCKS_MAX)
		load_fail("a parameter is out of range");
	load_repeat("ns_per_op", (unsigned)times, NULL, work);
	return load_end();
}
