/*
 * interior_ring: two blocks, linked by pointers to their inside.
 *
 * expect: cycle count=1 blocks=2 retained=2
 */
#include "truth.h"

static void work(void)
{
	struct node *a = new_node(NULL);
	struct node *b = new_node(NULL);
	a->payload[0] = (long)&b->payload[0];
	b->payload[0] = (long)&a->payload[0];
}

int main(void)
{
	certainly(work);
	return 0;
}
