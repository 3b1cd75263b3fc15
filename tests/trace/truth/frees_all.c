/*
 * frees_all: rings, chains and large blocks, all of them freed.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static void free_nodes(struct node *node, int n)
{
	while (n-- > 0) {
		struct node *next = node->next;
		free(node);
		node = next;
	}
}

static void work(void)
{
	for (int i = 1; i < 1000; i++) {
		free_nodes(new_ring(i), i);
		free_nodes(new_chain(i), i);
		free(new_block((size_t)i * 1000));
	}
}

int main(void)
{
	certainly(work);
	return 0;
}
