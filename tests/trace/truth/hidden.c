/*
 * hidden: the pointer is kept xor'ed with a constant, which no tracer can
 * know: a documented limit.
 *
 * expect: lost count=1 blocks=1 retained=2
 */
#include "truth.h"

static volatile uintptr_t kept;

static void work(void)
{
	kept = (uintptr_t)new_chain(2) ^ 0x5555555555555555;
}

int main(void)
{
	certainly(work);
	return 0;
}
