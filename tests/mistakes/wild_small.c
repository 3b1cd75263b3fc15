/* wild_small: a small number, as from an index taken for a pointer. */
#include "mistake.h"

int main(void)
{
	expect_line("free(%p): not a block of tarn's; it lies in no mapping",
		    opaque((void *)8));
	free(opaque((void *)8));
	return 0;
}
