/*
 * interior: a pointer into a block.
 *
 * TARN_CONF=check:true
 */
#include "mistake.h"

int main(void)
{
	char *block = malloc(100);
	expect_line("free(%p): points 16 bytes into a 112-byte block at %p",
		    opaque(block + 16), opaque(block));
	free(opaque(block + 16));
	return 0;
}
