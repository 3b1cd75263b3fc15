/*
 * double_free_late: with two other frees between. Found when the magazine has
 * grown full, and is emptied.
 */
#include "mistake.h"

enum { N = 20000 };

int main(void)
{
	static char *others[N];
	for (int i = 0; i < N; i++)
		others[i] = malloc(100);
	char *block = malloc(100);
	expect_line("free(%p): double free of a 112-byte block (noticed late)",
		    opaque(block));
	free(opaque(block));
	free(others[0]);
	free(others[1]);
	free(opaque(block));
	for (int i = 2; i < N; i++)
		free(others[i]);
	return 0;
}
