/*
 * chains_shared_tail: two lost blocks hold the same chain of three.
 *
 * expect: lost count=2 blocks=2 retained=2
 * expect: shared count=1 blocks=1 retained=3
 */
#include "truth.h"

static void work(void)
{
	struct node *tail = new_chain(3);
	new_node(tail);
	new_node(tail);
}

int main(void)
{
	certainly(work);
	return 0;
}
