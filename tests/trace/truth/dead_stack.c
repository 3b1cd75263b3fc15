/*
 * dead_stack: in frames of functions that returned.
 *
 * expect: lost count=100 blocks=100 retained=200
 */
#include "truth.h"

__attribute__((noinline)) static void leak(void)
{
	void *volatile held = new_chain(2);
	(void)held;
}

static void work(void)
{
	void (*volatile call)(void) = leak;
	for (int i = 0; i < 100; i++)
		call();
}

int main(void)
{
	certainly(work);
	return 0;
}
