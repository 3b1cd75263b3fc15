/*
 * alternate_stack: a handler on an alternate signal stack has a block in its
 * frame, and so has the function that was interrupted; the handler calls
 * exit().
 *
 * expect: nothing
 * expect: foreign none
 */
#include "truth.h"

#include <signal.h>

static void handle(int number)
{
	void *volatile held = new_chain(2);
	exit(held == NULL || number != SIGUSR1);
}

int main(void)
{
	void *volatile held = new_chain(2);
	stack_t stack = {.ss_sp = new_mapping(1 << 16), .ss_size = 1 << 16};
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_ONSTACK};
	require(sigaltstack(&stack, NULL) == 0);
	require(sigaction(SIGUSR1, &action, NULL) == 0);
	raise(SIGUSR1);
	return held == NULL;
}
