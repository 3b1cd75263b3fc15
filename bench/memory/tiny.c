/*
 * tiny: what the smallest of programs costs: 100 blocks, of a few sizes.
 */
#include "memory/memory.h"

static uint64_t blocks = 100;

static const struct param params[] = {{"blocks", &blocks, "in all"}};

int main(int argc, char **argv)
{
	uint64_t sum = 0;
	load_start(argc, argv, "a small program", params, LENGTH(params));
	for (uint64_t i = 0; i < blocks; i++) {
		size_t size_bytes = 16 + i * 37 % 2000;
		char *block = block_take(size_bytes);
		memory_keep(block);
		sum += size_bytes;
		if (i % 3 == 0)
			block_give(block, size_bytes);
	}
	load_check(sum);
	return load_end();
}
