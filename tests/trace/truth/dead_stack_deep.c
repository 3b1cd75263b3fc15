/*
 * dead_stack_deep: the pointer stays in memory, far below the stack pointer,
 * in what was the frame of a function.
 *
 * expect: lost count=1 blocks=1 retained=2
 */
#include "truth.h"

__attribute__((noinline)) static void leak(void)
{
	void *volatile frame[(1 << 20) / sizeof(void *)];
	for (int i = 0; i < 64; i++)
		frame[i] = NULL;
	frame[64] = new_chain(2);
	(void)frame[64];
}

static void work(void)
{
	void (*volatile call)(void) = leak;
	call();
}

int main(void)
{
	certainly(work);
	return 0;
}
