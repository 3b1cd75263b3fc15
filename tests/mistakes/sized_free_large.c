/* sized_free_large: of a large block, with the size of a small one. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(3000000);
	expect_line("free_sized(%p, 30): wrong size; the block has %zu bytes",
		    opaque(block), malloc_usable_size(block));
	free_with_size(opaque(block), 30);
	return 0;
}
