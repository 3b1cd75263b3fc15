/*
 * realloc_freed: realloc of a block that was freed before.
 *
 * TARN_CONF=check:true
 */
#include "mistake.h"

int main(void)
{
	char *block = malloc(200);
	expect_line("realloc(%p): double free of a 224-byte block",
		    opaque(block));
	free(opaque(block));
	return realloc(opaque(block), 500) != NULL;
}
