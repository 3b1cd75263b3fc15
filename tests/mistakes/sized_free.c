/* sized_free: with a size of another class. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(100);
	expect_line("free_sized(%p, 1000): wrong size; the block has 112 bytes",
		    opaque(block));
	free_with_size(opaque(block), 1000);
	return 0;
}
