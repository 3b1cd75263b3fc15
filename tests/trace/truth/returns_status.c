/*
 * returns_status: main() returns a status.
 *
 * expect: lost count=1 blocks=1 retained=3
 * status: 7
 */
#include "truth.h"

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	certainly(work);
	return 7;
}
