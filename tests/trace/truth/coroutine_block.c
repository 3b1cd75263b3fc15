/*
 * coroutine_block: in the frame of a suspended coroutine, the stack of which
 * is a block.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

#include <ucontext.h>

#define STACK_BYTES (64 << 10)

static ucontext_t resumer, coroutine;

static void run(void)
{
	void *volatile held = new_chain(2);
	swapcontext(&coroutine, &resumer);
	require(held == NULL);
}

static void work(void)
{
	require(getcontext(&coroutine) == 0);
	coroutine.uc_stack.ss_sp = new_block(STACK_BYTES);
	coroutine.uc_stack.ss_size = STACK_BYTES;
	makecontext(&coroutine, run, 0);
	require(swapcontext(&resumer, &coroutine) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
