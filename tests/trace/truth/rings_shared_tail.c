/*
 * rings_shared_tail: two rings hold the same chain of two.
 *
 * expect: cycle count=2 blocks=5 retained=5
 * expect: shared count=1 blocks=1 retained=2
 */
#include "truth.h"

static void work(void)
{
	struct node *tail = new_chain(2);
	new_ring(2)->other = tail;
	new_ring(3)->other = tail;
}

int main(void)
{
	certainly(work);
	return 0;
}
