/*
 * ring_of_million: a ring of a million blocks.
 *
 * expect: cycle count=1 blocks=1000000 retained=1000000
 */
#include "truth.h"

static void work(void)
{
	new_ring(1000000);
}

int main(void)
{
	certainly(work);
	return 0;
}
