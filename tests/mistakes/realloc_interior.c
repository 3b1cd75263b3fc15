/* realloc_interior: realloc of a pointer into a block. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(200);
	expect_line("realloc(%p): points 100 bytes into a 224-byte block at %p",
		    opaque(block + 100), opaque(block));
	return realloc(opaque(block + 100), 500) != NULL;
}
