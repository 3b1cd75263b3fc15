/*
 * lost_large: a block of 1 MiB and one of 64 MiB that point to each other,
 * and to a small one each.
 *
 * expect: cycle count=1 blocks=2 retained=4
 */
#include "truth.h"

static void work(void)
{
	char *a = new_block(1 << 20);
	char *b = new_block(64 << 20);
	*(void **)(a + (1 << 20) - sizeof(void *)) = b;
	*(void **)a = new_block(16);
	*(void **)(b + (32 << 20)) = a;
	*(void **)b = new_block(16);
}

int main(void)
{
	certainly(work);
	return 0;
}
