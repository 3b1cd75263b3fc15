/* sized_free_less: with a size for which a smaller block would have done. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(100);
	expect_line("free_sized(%p, 50): wrong size; the block has 112 bytes",
		    opaque(block));
	free_with_size(opaque(block), 50);
	return 0;
}
