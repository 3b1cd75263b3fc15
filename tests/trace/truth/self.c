/*
 * self: a block that points to itself.
 *
 * expect: cycle count=1 blocks=1 retained=1
 */
#include "truth.h"

static void work(void)
{
	struct node *node = new_node(NULL);
	node->other = node;
}

int main(void)
{
	certainly(work);
	return 0;
}
