/*
 * mixed: blocks of the sizes that a real program asks for, replaced at random.
 *
 * A table of live blocks; each step frees one of them and puts another in its
 * place. Sizes are drawn beforehand, so that what is timed is the allocator.
 */
#include "common/load.h"
#include "micro/histograms.h"

#define LIVE_MAX (1 << 17)
#define N_DRAWN (1 << 16)

static uint64_t program = 0, live = 20000, operations = 2000000;

static const struct param params[] = {
	{"program", &program, "0 python3, 1 g++, 2 git"},
	{"live", &live, "blocks that live at a time"},
	{"operations", &operations, "blocks replaced in each of 7 times"},
};

static const struct {
	const struct size_weight *sizes;
	size_t n;
} histograms[] = {
	{python3_sizes, LENGTH(python3_sizes)},
	{gxx_sizes, LENGTH(gxx_sizes)},
	{git_sizes, LENGTH(git_sizes)},
};

static struct {
	char *block;
	size_t size_bytes;
} table[LIVE_MAX];
static uint16_t drawn[N_DRAWN];
static struct random random_state = {1};

/* Each size as often as its weight says, shuffled. */
static void draw_sizes(void)
{
	size_t at = 0;
	for (size_t i = 0; i < histograms[program].n; i++) {
		struct size_weight entry = histograms[program].sizes[i];
		for (unsigned k = 0; k < entry.weight && at < N_DRAWN; k++)
			drawn[at++] = entry.size_bytes;
	}
	for (size_t i = N_DRAWN - 1; i > 0; i--) {
		size_t k = random_below(&random_state, i + 1);
		uint16_t other = drawn[k];
		drawn[k] = drawn[i];
		drawn[i] = other;
	}
}

static void put(size_t i, size_t size_bytes)
{
	table[i].block = block_take(size_bytes);
	table[i].size_bytes = size_bytes;
}

static uint64_t replace(void)
{
	uint64_t sum = 0;
	for (uint64_t n = 0; n < operations; n++) {
		size_t i = random_below(&random_state, live);
		block_give(table[i].block, table[i].size_bytes);
		put(i, drawn[n % N_DRAWN]);
		sum += table[i].size_bytes;
	}
	load_check(sum);
	return operations;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "replaces blocks of a program's sizes at random",
		   params, LENGTH(params));
	if (program >= LENGTH(histograms) || live == 0 || live > LIVE_MAX)
		load_fail("a parameter is out of range");
	draw_sizes();
	for (size_t i = 0; i < live; i++)
		put(i, drawn[i % N_DRAWN]);
	load_repeat_alone("ns_per_op", 7, NULL, replace);
	for (size_t i = 0; i < live; i++)
		block_give(table[i].block, table[i].size_bytes);
	return load_end();
}
