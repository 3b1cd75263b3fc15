/*
 * ring: three blocks in a ring.
 *
 * expect: cycle count=1 blocks=3 retained=3
 */
#include "truth.h"

static void work(void)
{
	new_ring(3);
}

int main(void)
{
	certainly(work);
	return 0;
}
