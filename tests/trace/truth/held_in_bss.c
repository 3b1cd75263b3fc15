/*
 * held_in_bss: in the program's zero data, the far end of a megabyte.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static void *volatile kept[1 << 17];

static void work(void)
{
	kept[(1 << 17) - 1] = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
