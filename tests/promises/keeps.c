/*
 * keeps: with decay:never and room in the cache nothing goes back until asked
 * to, and what is taken again is there: it costs no fault.
 */
#include "promise.h"

#include <malloc.h>
#include <sys/resource.h>

#define BURST (200 * MIB)

static void **blocks;

static void cycle(size_t size)
{
	size_t n = BURST / size;
	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(size);
		promise_touch(blocks[i], size);
	}
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
}

static size_t n_faults(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (size_t)usage.ru_minflt;
}

static void keeps_all(size_t size)
{
	cycle(size);
	usleep(1200000);
	size_t faults = n_faults();
	cycle(size);
	faults = n_faults() - faults;
	if (!(faults < BURST / PAGE_BYTES / 20))
		promise_broken("%zu-byte blocks: %zu faults\n", size, faults);
	malloc_trim(0);
}

int main(int argc, char **argv)
{
	(void)argc;
	expect_tarn();
	promise_options(argv, "decay:never,cache:1t");
	blocks = promise_table(BURST / 64 * sizeof(*blocks));
	promise_touch(blocks, BURST / 64 * sizeof(*blocks));
	keeps_all(64);
	keeps_all(3000);
	keeps_all(100000);
	keeps_all(10 * MIB);
	return expect_status();
}
