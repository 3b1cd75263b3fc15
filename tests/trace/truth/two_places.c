/*
 * two_places: equal blocks from two places are two findings.
 *
 * expect: lost count=5 blocks=5 retained=5
 * expect: findings lost=2
 * expect: function leak_two
 * expect: function leak_three
 */
#include "truth.h"

__attribute__((noinline)) static void leak_two(void)
{
	for (volatile int i = 0; i < 2; i++)
		opaque(calloc(1, 32));
}

__attribute__((noinline)) static void leak_three(void)
{
	for (volatile int i = 0; i < 3; i++)
		opaque(calloc(1, 32));
}

static void work(void)
{
	leak_two();
	leak_three();
}

int main(void)
{
	certainly(work);
	return 0;
}
