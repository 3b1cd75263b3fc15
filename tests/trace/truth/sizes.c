/*
 * sizes: a lost block of each of many sizes, the one of no bytes among them,
 * and aligned ones.
 *
 * expect: lost count=58 blocks=58 retained=58
 */
#include "truth.h"

#include <malloc.h>

static void work(void)
{
	for (size_t size = 1; size < 1 << 25; size = size * 3 / 2 + 1)
		new_block(size);
	new_block(0);
	for (size_t align = 32; align <= 1 << 20; align *= 2) {
		void *block = opaque(memalign(align, 100));
		require(block != NULL);
		memset(block, 0, 100);
	}
}

int main(void)
{
	certainly(work);
	return 0;
}
