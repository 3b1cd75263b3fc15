/* double_free_elsewhere: a thread frees a block of another's twice. */
#include "mistake.h"

static void *free_twice(void *block)
{
	free(opaque(block));
	free(malloc(64));
	free(opaque(block));
	return NULL;
}

int main(void)
{
	char *block = malloc(64);
	expect_line("free(%p): double free of a 64-byte block", opaque(block));
	run_in_thread(free_twice, block);
	return 0;
}
