/* foreign_mapping: memory that the program has mapped itself. */
#include "mistake.h"

int main(void)
{
	char *pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect_line("free(%p): not a block of tarn's; it lies in anonymous "
		    "memory",
		    opaque(pages + 4096));
	free(opaque(pages + 4096));
	return 0;
}
