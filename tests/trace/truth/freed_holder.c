/*
 * freed_holder: the block with the pointer was freed.
 *
 * expect: lost count=1 blocks=1 retained=1
 */
#include "truth.h"

static void work(void)
{
	struct node *holder = new_chain(2);
	free(holder);
}

int main(void)
{
	certainly(work);
	return 0;
}
