/*
 * ring_in_chain: a lost block holds one that holds a ring of three.
 *
 * expect: lost count=1 blocks=1 retained=5
 * expect: inner-cycle count=1 blocks=3
 */
#include "truth.h"

static void work(void)
{
	new_chain(2)->next->next = new_ring(3);
}

int main(void)
{
	certainly(work);
	return 0;
}
