/* double_free_large: of a block with slices of its own. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(1000000);
	memset(block, 1, 1000000);
	expect_line("free(%p): double free of a %zu-byte block", opaque(block),
		    malloc_usable_size(block));
	free(opaque(block));
	free(opaque(block));
	return 0;
}
