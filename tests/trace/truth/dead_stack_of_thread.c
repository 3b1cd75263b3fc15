/*
 * dead_stack_of_thread: the pointer stays in memory, far below the stack
 * pointer of a blocked thread.
 *
 * expect: lost count=1 blocks=1 retained=2
 * flags: -pthread
 */
#include "truth.h"

static int ready;

static void work(void)
{
	void *volatile frame[(1 << 20) / sizeof(void *)];
	for (int i = 0; i < 64; i++)
		frame[i] = NULL;
	frame[64] = new_chain(2);
	(void)frame[64];
}

static void *body(void *unused)
{
	(void)unused;
	certainly(work);
	raise_flag(&ready);
	block_for_good();
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
