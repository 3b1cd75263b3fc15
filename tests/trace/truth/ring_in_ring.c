/*
 * ring_in_ring: a ring of two holds a ring of three.
 *
 * expect: cycle count=1 blocks=2 retained=5
 * expect: inner-cycle count=1 blocks=3
 */
#include "truth.h"

static void work(void)
{
	new_ring(2)->other = new_ring(3);
}

int main(void)
{
	certainly(work);
	return 0;
}
