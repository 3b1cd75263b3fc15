/* sized_double_free: with the right size, but twice. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(100);
	expect_line("free_sized(%p): double free of a 112-byte block",
		    opaque(block));
	free_with_size(opaque(block), 100);
	free_with_size(opaque(block), 100);
	return 0;
}
