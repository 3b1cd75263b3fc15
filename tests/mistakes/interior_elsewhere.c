/* interior_elsewhere: a pointer into a block of another thread's. */
#include "mistake.h"

static void *free_it(void *block)
{
	free(opaque(block));
	return NULL;
}

int main(void)
{
	char *block = malloc(64);
	expect_line("free(%p): points 8 bytes into a 64-byte block at %p",
		    opaque(block + 8), opaque(block));
	run_in_thread(free_it, block + 8);
	return 0;
}
