/*
 * register_r12: only in register r12 of a thread that spins.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * machine: x86_64
 * needs: registers
 * flags: -pthread
 */
#include "spin.h"

static int ready;

static void *body(void *unused)
{
	(void)unused;
	SPIN_HOLDING("mov %%rax, %%r12", ready);
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
