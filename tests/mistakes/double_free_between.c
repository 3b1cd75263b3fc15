/* double_free_between: free(p), free(q), free(p), without any option. */
#include "mistake.h"

int main(void)
{
	char *block = malloc(100), *other = malloc(100);
	expect_line("free(%p): double free of a 112-byte block", opaque(block));
	free(opaque(block));
	free(other);
	free(opaque(block));
	return 0;
}
