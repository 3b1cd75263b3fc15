/*
 * closes_all: as daemons do, the program closes every descriptor.
 *
 * expect: lost count=1 blocks=1 retained=3
 */
#include "truth.h"

static void work(void)
{
	new_chain(3);
}

int main(void)
{
	for (int fd = 0; fd < 4096; fd++)
		close(fd);
	certainly(work);
	return 0;
}
