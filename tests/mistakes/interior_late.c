/*
 * interior_late: a pointer into a block of a size of which a pool has several
 * slices, found when the magazine is emptied.
 */
#include "mistake.h"

enum { N = 3000 };

int main(void)
{
	static char *others[N];
	for (int i = 0; i < N; i++)
		others[i] = malloc(10000);
	char *block = malloc(10000);
	expect_line("free(%p): points 1 bytes into a 10240-byte block at %p "
		    "(noticed late)",
		    opaque(block + 1), opaque(block));
	/* So that there is room in the magazine. */
	free(others[0]);
	free(others[1]);
	free(malloc(10000));
	free(opaque(block + 1));
	for (int i = 2; i < N; i++)
		free(others[i]);
	return 0;
}
