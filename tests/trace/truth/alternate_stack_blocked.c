/*
 * alternate_stack_blocked: a thread's handler on an alternate signal stack is
 * blocked, with a block in its frame, and with one in the frame of the
 * function that was interrupted.
 *
 * expect: nothing
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

#include <signal.h>

static int ready;

static void handle(int number)
{
	void *volatile held = new_chain(2);
	raise_flag(&ready);
	block_for_good();
	require(held == NULL || number != 0);
}

static void *body(void *unused)
{
	(void)unused;
	void *volatile held = new_chain(2);
	stack_t stack = {.ss_sp = new_mapping(1 << 16), .ss_size = 1 << 16};
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_ONSTACK};
	require(sigaltstack(&stack, NULL) == 0);
	require(sigaction(SIGUSR1, &action, NULL) == 0);
	pthread_kill(pthread_self(), SIGUSR1);
	return held;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
