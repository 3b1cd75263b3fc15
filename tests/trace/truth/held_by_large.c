/*
 * held_by_large: only a block of 1 MiB has the pointer, in its last word.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static char *volatile kept;

static void work(void)
{
	kept = new_block(1 << 20);
	*(void **)(kept + (1 << 20) - sizeof(void *)) = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
