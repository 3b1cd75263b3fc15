/*
 * double_free_by_two: one thread frees a block, and so does the one that
 * allocated it.
 *
 * TARN_CONF=check:true
 */
#include "mistake.h"

static void *free_it(void *block)
{
	free(opaque(block));
	return NULL;
}

int main(void)
{
	char *block = malloc(64);
	expect_line("free(%p): double free of a 64-byte block", opaque(block));
	run_in_thread(free_it, block);
	free(opaque(block));
	return 0;
}
