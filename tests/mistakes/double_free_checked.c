/*
 * double_free_checked: with other frees between, found at once by request.
 *
 * TARN_CONF=check:true
 */
#include "mistake.h"

int main(void)
{
	char *block = malloc(1000), *other = malloc(1000);
	expect_line("free(%p): double free of a 1024-byte block",
		    opaque(block));
	free(opaque(block));
	free(other);
	free(malloc(2000));
	free(opaque(block));
	return 0;
}
