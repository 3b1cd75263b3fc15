/*
 * held_in_data: in the program's initialised data.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static void *volatile kept[2] = {(void *)1, (void *)2};

static void work(void)
{
	kept[0] = new_chain(2);
	kept[1] = new_ring(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
