/* wild_end: the last address of all, as from -1 taken for a pointer. */
#include "mistake.h"

int main(void)
{
	expect_line("free(%p): not a block of tarn's; it lies in no mapping",
		    opaque((void *)UINTPTR_MAX));
	free(opaque((void *)UINTPTR_MAX));
	return 0;
}
