/* aligned_sized_free: with a size that is too large. */
#include "mistake.h"

int main(void)
{
	char *block = aligned_alloc(64, 640);
	expect_line("free_aligned_sized(%p, 64, 6400): wrong size; the block "
		    "has 640 bytes",
		    opaque(block));
	free_with_alignment(opaque(block), 64, 6400);
	return 0;
}
