/*
 * interior: only a pointer to the middle of the block is left.
 *
 * expect: nothing
 * expect: possible count=1 blocks=1
 */
#include "truth.h"

static char *volatile kept;

static void work(void)
{
	kept = (char *)new_block(256) + 64;
}

int main(void)
{
	certainly(work);
	return 0;
}
