/*
 * fork_child: a child leaks, and ends by _exit(); its parent does not.
 *
 * expect: lost count=1 blocks=1 retained=3
 * expect: processes 2
 */
#include "truth.h"

#include <sys/wait.h>

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	int status;
	pid_t child = fork();
	require(child >= 0);
	if (child == 0) {
		certainly(work);
		_exit(0);
	}
	require(waitpid(child, &status, 0) == child && status == 0);
	return 0;
}
