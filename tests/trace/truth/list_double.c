/*
 * list_double: a doubly linked list of five, open at both ends.
 *
 * expect: cycle count=1 blocks=5 retained=5
 */
#include "truth.h"

static void work(void)
{
	struct node *first = new_chain(5);
	for (struct node *node = first; node->next; node = node->next)
		node->next->other = node;
}

int main(void)
{
	certainly(work);
	return 0;
}
