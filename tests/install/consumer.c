/*
 * consumer: a C program that knows nothing of tarn's source tree. It is right
 * only if its malloc is tarn's: then tarn counts the block.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn.h>

static uint64_t live_blocks(void)
{
	struct tarn_stats stats;
	if (tarn_stats_get(&stats, sizeof(stats)) != 0) {
		perror("tarn_stats_get");
		exit(1);
	}
	return stats.live_blocks;
}

int main(void)
{
	enum { N_BLOCKS = 1000, BLOCK_BYTES = 300 };
	static char *blocks[N_BLOCKS];
	uint64_t before = live_blocks();
	for (int i = 0; i < N_BLOCKS; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		if (blocks[i] == NULL)
			return 1;
		memset(blocks[i], i, BLOCK_BYTES);
	}
	uint64_t during = live_blocks();
	for (int i = 0; i < N_BLOCKS; i++)
		free(blocks[i]);
	if (during < before + N_BLOCKS) {
		fprintf(stderr,
			"malloc is not tarn's: %llu blocks, then %llu\n",
			(unsigned long long)before, (unsigned long long)during);
		return 1;
	}
	void *block = tarn_malloc(1);
	free(block);
	printf("tarn %s\n", tarn_version());
	return 0;
}
