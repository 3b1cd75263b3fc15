/* double_free: twice in a row, which is found at once. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(40);
	expect_line("free(%p): double free of a 48-byte block", opaque(block));
	free(opaque(block));
	free(opaque(block));
	return 0;
}
