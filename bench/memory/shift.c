/*
 * shift: the sizes a program asks for change; can the memory of the old ones
 * serve the new?
 *
 * In each phase the table is filled with blocks of another range of sizes, and
 * then nine tenths of them, at random, are freed. Every phase asks for as many
 * bytes as the one before.
 */
#include "memory/memory.h"

#include <sys/mman.h>

static uint64_t live_bytes = 128 << 20, phases = 6;

static const struct param params[] = {
	{"live", &live_bytes, "bytes that a phase asks for"},
	{"phases", &phases, "of different sizes"},
};

static const struct {
	size_t from, to;
} ranges[] = {
	{16, 64},      {200, 600}, {1000, 4000}, {24, 48},
	{5000, 30000}, {64, 256},  {600, 1200},	 {30000, 90000},
};

static struct {
	char *block;
	size_t size_bytes;
} * table;
static size_t n_blocks;
static uint64_t bytes;

static void fill(size_t from, size_t to, struct random *random)
{
	for (uint64_t taken = 0; taken < live_bytes;) {
		size_t size_bytes = from + random_below(random, to - from + 1);
		table[n_blocks].block = memory_take(size_bytes);
		table[n_blocks++].size_bytes = size_bytes;
		taken += size_bytes;
		bytes += size_bytes;
	}
}

/* A tenth, at random, stays to the end. */
static void free_most(struct random *random)
{
	size_t kept = 0;
	for (size_t i = 0; i < n_blocks; i++) {
		if (random_below(random, 10) == 0) {
			table[kept++] = table[i];
		} else {
			bytes -= table[i].size_bytes;
			block_give(table[i].block, table[i].size_bytes);
		}
	}
	n_blocks = kept;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "fills memory with ever different sizes", params,
		   LENGTH(params));
	struct random random = {11};
	uint64_t peak = 0;
	size_t n_slots = live_bytes / 8;
	table = mmap(NULL, n_slots * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		load_fail("no memory for the table");
	uint64_t start_bytes = load_anonymous_bytes();
	uint64_t start_ns = load_now_ns();
	for (uint64_t phase = 0; phase < phases; phase++) {
		size_t i = phase % LENGTH(ranges);
		fill(ranges[i].from, ranges[i].to, &random);
		uint64_t now = load_anonymous_bytes() - start_bytes;
		peak = now > peak ? now : peak;
		free_most(&random);
		load_check(bytes);
	}
	load_metric("work_s", (double)(load_now_ns() - start_ns) * 1e-9);
	load_metric("live_bytes", (double)bytes);
	load_metric("rss_peak_bytes", (double)peak);
	load_metric("rss_end_bytes",
		    (double)(load_anonymous_bytes() - start_bytes));
	return load_end();
}
