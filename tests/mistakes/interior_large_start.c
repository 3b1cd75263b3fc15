/* interior_large_start: a pointer just past the start of a large block. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(1000000);
	expect_line("free(%p): points 16 bytes into a %zu-byte block at %p",
		    opaque(block + 16), malloc_usable_size(block),
		    opaque(block));
	free(opaque(block + 16));
	return 0;
}
