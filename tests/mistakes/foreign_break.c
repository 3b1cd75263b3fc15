/* foreign_break: memory that another allocator got from brk. */
#include "mistake.h"

int main(void)
{
	char *memory = sbrk(1 << 16);
	expect_line("free(%p): not a block of tarn's; it lies in [heap]",
		    opaque(memory + 64));
	free(opaque(memory + 64));
	return 0;
}
