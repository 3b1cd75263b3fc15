/*
 * fork_parent: what the parent lost before fork() is lost in both.
 *
 * expect: cycle count=2 blocks=4 retained=4
 * expect: processes 2
 */
#include "truth.h"

#include <sys/wait.h>

static void work(void)
{
	new_ring(2);
}

int main(void)
{
	int status;
	certainly(work);
	pid_t child = fork();
	require(child >= 0);
	if (child == 0)
		return 0;
	require(waitpid(child, &status, 0) == child && status == 0);
	return 0;
}
