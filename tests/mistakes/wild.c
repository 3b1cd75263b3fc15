/* wild: an address where nothing is. */
#include "mistake.h"

int main(void)
{
	void *nowhere = (void *)(uintptr_t)0xdeadbeef000;
	expect_line("free(%p): not a block of tarn's; it lies in no mapping",
		    nowhere);
	free(opaque(nowhere));
	return 0;
}
