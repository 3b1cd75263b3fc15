/*
 * red_zone: only below the stack pointer of a thread that spins, where a
 * function that calls no other may keep it.
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
	SPIN_HOLDING("mov %%rax, -64(%%rsp)", ready);
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
