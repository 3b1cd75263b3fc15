/*
 * giving_back: what an allocator keeps of memory that was freed.
 *
 * Blocks are taken and most of them freed, in random order or all. What is
 * resident is noted at once, after two seconds, and after malloc_trim. In those
 * seconds the program works lightly, or with `idle` sleeps and calls nothing.
 */
#include "memory/memory.h"

#include <sys/mman.h>

static uint64_t live_bytes = 500 << 20, freed_percent = 90, limit = 32 << 10;
static uint64_t least = 1, idle = 0, wait_ms = 2000;

static const struct param params[] = {
	{"live", &live_bytes, "bytes before the freeing"},
	{"freed", &freed_percent, "percent of the blocks that are freed"},
	{"least", &least, "smallest size, unless 1: then mostly small ones"},
	{"limit", &limit, "largest size"},
	{"idle", &idle, "1: sleep rather than work lightly"},
	{"wait_ms", &wait_ms, "until the second look"},
};

static struct {
	char *block;
	size_t size_bytes;
} * table;
static size_t n_blocks, n_slots;
static uint64_t start_bytes;

static size_t draw_size(struct random *random)
{
	if (least == 1)
		return memory_size(random, limit);
	return least + random_below(random, limit - least + 1);
}

static uint64_t fill(void)
{
	struct random random = {5};
	uint64_t bytes = 0;
	while (bytes < live_bytes && n_blocks < n_slots) {
		size_t size_bytes = draw_size(&random);
		table[n_blocks].block = memory_take(size_bytes);
		table[n_blocks++].size_bytes = size_bytes;
		bytes += size_bytes;
	}
	return bytes;
}

/* The first N of the table become a random choice, in random order. */
static void shuffle(size_t n)
{
	struct random random = {6};
	for (size_t i = 0; i < n; i++) {
		size_t k = i + random_below(&random, n_blocks - i);
		char *block = table[i].block;
		size_t size_bytes = table[i].size_bytes;
		table[i] = table[k];
		table[k].block = block;
		table[k].size_bytes = size_bytes;
	}
}

static uint64_t free_some(void)
{
	size_t n = n_blocks * freed_percent / 100;
	uint64_t bytes = 0;
	shuffle(n);
	for (size_t i = 0; i < n; i++) {
		bytes += table[i].size_bytes;
		block_give(table[i].block, table[i].size_bytes);
	}
	return bytes;
}

static void note(const char *name)
{
	uint64_t now = load_anonymous_bytes();
	/* Never 0, so that ratios can be formed. */
	uint64_t grown = now > start_bytes + 65536 ? now - start_bytes : 65536;
	load_metric(name, (double)grown);
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "frees most of what it has", params,
		   LENGTH(params));
	if (limit < least || freed_percent > 100)
		load_fail("a parameter is out of range");
	n_slots = live_bytes / 16;
	table = mmap(NULL, n_slots * sizeof(*table), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		load_fail("no memory for the table");
	start_bytes = load_anonymous_bytes();
	uint64_t bytes = fill();
	load_check(bytes);
	note("rss_full_bytes");
	bytes -= free_some();
	load_check(bytes);
	load_metric("live_bytes", (double)bytes);
	note("rss_at_once_bytes");
	if (idle)
		sleep_ms((unsigned)wait_ms);
	else
		work_lightly((unsigned)wait_ms);
	note("rss_later_bytes");
	memory_trim();
	note("rss_trimmed_bytes");
	return load_end();
}
