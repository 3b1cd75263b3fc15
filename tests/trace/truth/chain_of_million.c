/*
 * chain_of_million: a chain of a million blocks.
 *
 * expect: lost count=1 blocks=1 retained=1000000
 */
#include "truth.h"

static void work(void)
{
	new_chain(1000000);
}

int main(void)
{
	certainly(work);
	return 0;
}
