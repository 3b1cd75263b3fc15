/*
 * tagged: pointers with tags in their three low bits.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static char *volatile kept[7];

static void work(void)
{
	for (int tag = 1; tag <= 7; tag++)
		kept[tag - 1] = (char *)new_node(new_node(NULL)) + tag;
}

int main(void)
{
	certainly(work);
	return 0;
}
