/* interior_large: a pointer far into a large block. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(1000000);
	expect_line("free(%p): points 500000 bytes into a %zu-byte block at %p",
		    opaque(block + 500000), malloc_usable_size(block),
		    opaque(block));
	free(opaque(block + 500000));
	return 0;
}
