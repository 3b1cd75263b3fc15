/*
 * interior_self: the empty list, whose head inside the block points to itself.
 *
 * expect: cycle count=1 blocks=1 retained=1
 */
#include "truth.h"

static void work(void)
{
	struct node *node = new_node(NULL);
	node->payload[0] = (long)&node->payload[0];
}

int main(void)
{
	certainly(work);
	return 0;
}
