/*
 * sampled_loop: each round keeps one block, which is lost, and frees another.
 * Where sites are sampled some of the lost ones have theirs.
 *
 * expect: lost count=400000 blocks=400000 retained=400000
 * expect: function lose_one
 * sites: sampled
 */
#include "truth.h"

__attribute__((noinline)) static void lose_one(void)
{
	opaque(calloc(1, 64));
}

__attribute__((noinline)) static void free_one(void)
{
	free(opaque(calloc(1, 64)));
}

static void work(void)
{
	for (int i = 0; i < 400000; i++) {
		lose_one();
		free_one();
	}
}

int main(void)
{
	certainly(work);
	return 0;
}
