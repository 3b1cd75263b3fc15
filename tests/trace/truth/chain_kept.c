/*
 * chain_kept: a chain of a million blocks, all of them in use.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static void *volatile kept;

static void work(void)
{
	kept = new_chain(1000000);
}

int main(void)
{
	certainly(work);
	return 0;
}
