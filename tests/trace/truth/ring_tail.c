/*
 * ring_tail: a ring of three, one of which points to a fourth block.
 *
 * expect: cycle count=1 blocks=3 retained=4
 */
#include "truth.h"

static void work(void)
{
	new_ring(3)->other = new_node(NULL);
}

int main(void)
{
	certainly(work);
	return 0;
}
