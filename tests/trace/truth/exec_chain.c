/*
 * exec_chain: the third program of a chain of exec() leaks.
 *
 * expect: lost count=1 blocks=1 retained=3
 */
#include "truth.h"

static void work(void)
{
	new_chain(3);
}

int main(int argc, char **argv)
{
	char *next[] = {argv[0], "next", argc == 2 ? "last" : NULL, NULL};
	if (argc < 3)
		return execv(argv[0], next) == 0;
	certainly(work);
	return 0;
}
