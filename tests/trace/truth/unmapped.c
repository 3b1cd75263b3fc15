/*
 * unmapped: the mapping with the pointer is gone.
 *
 * expect: lost count=1 blocks=1 retained=1
 */
#include "truth.h"

static void work(void)
{
	void **mapping = new_mapping(1 << 16);
	mapping[100] = new_block(32);
	munmap(mapping, 1 << 16);
}

int main(void)
{
	certainly(work);
	return 0;
}
