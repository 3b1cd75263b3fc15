/*
 * reallocated: a lost block that grew from one page to 8 MiB, and one that
 * shrank.
 *
 * expect: lost count=2 blocks=2 retained=3
 */
#include "truth.h"

static void work(void)
{
	struct node *grown = opaque(calloc(1, 4096));
	require(grown != NULL);
	grown->next = new_node(NULL);
	grown = opaque(realloc(grown, 8 << 20));
	require(grown != NULL);
	memset(grown + 1, 0, (8 << 20) - sizeof(*grown));
	require(opaque(realloc(new_block(8 << 20), 64)) != NULL);
}

int main(void)
{
	certainly(work);
	return 0;
}
