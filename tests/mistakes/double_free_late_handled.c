/*
 * double_free_late_handled: a handler of SIGABRT, as crash reporters have it,
 * allocates blocks of the faulty block's size and of others. It runs once.
 */
#include "mistake.h"

#include <signal.h>

enum { N_SIZES = 12 };

static void handle(int signal)
{
	static int n_runs;
	static void *blocks[N_SIZES];
	(void)signal;
	if (n_runs++ != 0)
		_exit(1);
	for (int i = 0; i < N_SIZES; i++)
		blocks[i] = malloc((size_t)100 << i);
	for (int i = 0; i < N_SIZES; i++)
		free(blocks[i]);
	malloc_trim(0);
	/* To both, since what is on both must be the same. */
	dprintf(STDOUT_FILENO, "handled\n");
	dprintf(STDERR_FILENO, "handled\n");
}

int main(void)
{
	signal(SIGABRT, handle);
	char *block = malloc(100);
	char *one = malloc(100), *other = malloc(100);
	expect_line("free(%p): double free of a 112-byte block (noticed late)",
		    opaque(block));
	free(opaque(block));
	free(one);
	free(other);
	free(opaque(block));
	malloc_trim(0);
	return 0;
}
