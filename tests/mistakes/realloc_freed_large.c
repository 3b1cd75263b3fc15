/* realloc_freed_large: realloc of a large block that was freed before. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(1 << 20);
	expect_line("realloc(%p): double free of a 1048576-byte block",
		    opaque(block));
	free(opaque(block));
	return realloc(opaque(block), 5 << 20) != NULL;
}
