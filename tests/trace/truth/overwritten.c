/*
 * overwritten: the only pointer is overwritten by the next one, a thousand
 * times, and the last one is kept. Without sites
 * blocks are not padded, and a root that points to the next block might mean
 * the end of this one.
 *
 * expect: lost count=999 blocks=999 retained=999
 * expect: findings lost=1
 * expect: possible none
 * sites: all
 */
#include "truth.h"

static void *volatile kept;

static void work(void)
{
	for (int i = 0; i < 1000; i++)
		kept = new_block(80);
}

int main(void)
{
	certainly(work);
	return 0;
}
