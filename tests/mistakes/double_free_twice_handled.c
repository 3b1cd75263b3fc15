/*
 * double_free_twice_handled: the handler of SIGABRT makes a mistake too. That
 * ends the program, without another line.
 */
#include "mistake.h"

#include <signal.h>

static void handle(int signal)
{
	static int n_runs;
	(void)signal;
	if (n_runs++ != 0)
		_exit(1);
	char *block = malloc(200);
	free(block);
	free(opaque(block));
}

int main(void)
{
	signal(SIGABRT, handle);
	char *block = malloc(100);
	expect_line("free(%p): double free of a 112-byte block", opaque(block));
	free(block);
	free(opaque(block));
	return 0;
}
