/*
 * coroutine_below: in the frame of a suspended coroutine, the stack of which
 * lies just below that of the one that ends the program, in one mapping.
 *
 * expect: nothing
 * expect: foreign none
 */
#include "truth.h"

#include <ucontext.h>

#define STACK_BYTES (256 << 10)

static ucontext_t resumer, lower, upper;

static void hold(void)
{
	void *volatile held = new_chain(2);
	swapcontext(&lower, &resumer);
	require(held == NULL);
}

static void end(void)
{
	exit(0);
}

static void start(ucontext_t *context, char *stack, void (*run)(void))
{
	require(getcontext(context) == 0);
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK_BYTES;
	makecontext(context, run, 0);
	require(swapcontext(&resumer, context) == 0);
}

static char *stacks;

static void work(void)
{
	start(&lower, stacks, hold);
}

int main(void)
{
	stacks = new_mapping(2 * STACK_BYTES);
	certainly(work);
	start(&upper, stacks + STACK_BYTES, end);
	return 1;
}
