/*
 * zeroed: calloc, and a look at every page of what it gave.
 *
 * An allocator that knows which memory is zero already need not clear it; one
 * that clears what it has just had from the system touches it twice.
 */
#include "common/load.h"

#define BURST_MAX 1024

static uint64_t from = 16, to = 1024, burst = 200, rounds = 1000;

static const struct param params[] = {
	{"from", &from, "smallest size"},
	{"to", &to, "largest size; four sizes for each doubling"},
	{"burst", &burst, "blocks taken before the first is freed"},
	{"rounds", &rounds, "over all sizes, in each of 5 times"},
};

static void check_zero(char byte)
{
	if (byte != 0)
		load_fail("calloc gave memory that is not zero");
}

static void take_zeroed(char **block, size_t size_bytes)
{
	*block = calloc(1, size_bytes);
	if (*block == NULL)
		load_fail("calloc gave no memory");
	for (size_t i = 0; i < size_bytes; i += 512)
		check_zero((*block)[i]);
	check_zero((*block)[size_bytes - 1]);
	for (size_t i = 0; i < size_bytes; i += 4096)
		(*block)[i] = 1;
	(*block)[size_bytes - 1] = 1;
}

static uint64_t one_size(size_t size_bytes)
{
	static char *blocks[BURST_MAX];
	for (size_t i = 0; i < burst; i++)
		take_zeroed(&blocks[i], size_bytes);
	for (size_t i = 0; i < burst; i++)
		free(blocks[i]);
	return burst;
}

static uint64_t work(void)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < rounds; i++)
		for (size_t base = from; base <= to; base *= 2)
			for (size_t size = base; size < 2 * base && size <= to;
			     size += (base + 3) / 4)
				n += one_size(size);
	load_check(n);
	return n;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "allocates zeroed memory in bursts", params,
		   LENGTH(params));
	if (from == 0 || burst == 0 || burst > BURST_MAX)
		load_fail("a parameter is out of range");
	load_repeat_alone("ns_per_op", 5, NULL, work);
	return load_end();
}
