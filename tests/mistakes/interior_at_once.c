/*
 * interior_at_once: a pointer into a block of a size of which a pool has one
 * slice, without any option, while the magazine has room.
 */
#include "mistake.h"

int main(void)
{
	char *block = malloc(300), *other = malloc(300);
	expect_line("free(%p): points 16 bytes into a 320-byte block at %p",
		    opaque(block + 16), opaque(block));
	free(other);
	free(opaque(block + 16));
	return 0;
}
