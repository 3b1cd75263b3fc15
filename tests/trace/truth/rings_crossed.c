/*
 * rings_crossed: two rings of two which hold each other are one cycle.
 *
 * expect: cycle count=1 blocks=4 retained=4
 */
#include "truth.h"

static void work(void)
{
	struct node *a = new_ring(2);
	struct node *b = new_ring(2);
	a->other = b;
	b->other = a;
}

int main(void)
{
	certainly(work);
	return 0;
}
