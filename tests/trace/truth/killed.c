/*
 * killed: SIGTERM ends the program.
 *
 * expect: lost count=1 blocks=1 retained=3
 * signal: TERM
 */
#include "truth.h"

#include <signal.h>

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	certainly(work);
	raise(SIGTERM);
	return 0;
}
