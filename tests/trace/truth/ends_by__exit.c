/*
 * ends_by__exit: the program ends by _exit().
 *
 * expect: lost count=1 blocks=1 retained=3
 * status: 3
 */
#include "truth.h"

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	certainly(work);
	_exit(3);
}
