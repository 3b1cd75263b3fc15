/*
 * register_xmm: only in register xmm5 of a thread that spins.
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
	SPIN_HOLDING("movq %%rax, %%xmm5", ready);
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
