/* never_allocated: near to blocks of tarn's, where none has been. */
#include "mistake.h"

int main(void)
{
	/* In the slices behind it. */
	char *block = malloc(64);
	char *far_away = block + ((size_t)512 << 10);
	expect_line("free(%p): no block was ever allocated here",
		    opaque(far_away));
	free(opaque(far_away));
	return 0;
}
