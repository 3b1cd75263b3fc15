/*
 * chain: three blocks, each of which points to the next.
 *
 * expect: lost count=1 blocks=1 retained=3
 */
#include "truth.h"

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	certainly(work);
	return 0;
}
