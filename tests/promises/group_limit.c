/*
 * group_limit: frees 256 MiB, which nothing but the default of `cache` takes
 * back (decay:never), and prints how many MiB are resident after.
 */
#include "promise.h"

#include <stdio.h>

#define BURST (256 * MIB)
#define BLOCK_BYTES ((size_t)100000)

int main(void)
{
	size_t n = BURST / BLOCK_BYTES;
	void **blocks = promise_table(n * sizeof(*blocks));
	expect_tarn();
	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(BLOCK_BYTES);
		promise_touch(blocks[i], BLOCK_BYTES);
	}
	for (size_t i = 0; i < n; i++)
		free(blocks[i]);
	printf("%zu\n", promise_mib(process_resident_bytes()));
	return expect_status();
}
