/*
 * double_free_by_two_late: one thread frees a block, and so does the one that
 * allocated it. Found when both have come back to the pool.
 */
#include "mistake.h"

#include <malloc.h>

static void *free_it(void *block)
{
	free(opaque(block));
	return NULL;
}

int main(void)
{
	char *block = malloc(100);
	expect_line("free(%p): double free of a 112-byte block (noticed late)",
		    opaque(block));
	run_in_thread(free_it, block);
	free(opaque(block));
	malloc_trim(0);
	return 0;
}
