/*
 * equal_cycles: ten thousand equal cycles from one place are one finding.
 *
 * expect: cycle count=10000 blocks=20000 retained=30000
 * expect: findings cycle=1
 */
#include "truth.h"

static void work(void)
{
	for (int i = 0; i < 10000; i++) {
		struct node *a = new_node(NULL);
		struct node *b = new_node(a);
		a->next = b;
		a->other = new_node(NULL);
	}
}

int main(void)
{
	certainly(work);
	return 0;
}
