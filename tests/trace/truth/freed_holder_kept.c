/*
 * freed_holder_kept: the block with the pointer was freed, and the program
 * still points to where it was. Without sites
 * blocks are not padded, and a root that points to the next block might mean
 * the end of this one.
 *
 * expect: lost count=1 blocks=1 retained=1
 * sites: all
 */
#include "truth.h"

static void *volatile kept;

static void work(void)
{
	kept = new_chain(2);
	free(kept);
}

int main(void)
{
	certainly(work);
	return 0;
}
