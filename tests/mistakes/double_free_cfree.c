/* double_free_cfree: under the old name of free, then under the new one. */
#include "mistake.h"

int main(void)
{
	void (*cfree)(void *);
	*(void **)&cfree = dlsym(RTLD_DEFAULT, "cfree");
	char *block = malloc(16);
	expect_line("free(%p): double free of a 16-byte block", opaque(block));
	cfree(opaque(block));
	free(opaque(block));
	return 0;
}
