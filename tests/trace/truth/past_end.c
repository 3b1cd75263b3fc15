/*
 * past_end: a pointer to one block is also one past the end of another, to
 * which nothing else points. Other allocators than tarn leave a gap.
 *
 * expect: nothing
 * expect: possible count=1 blocks=1
 * skip: valgrind lsan
 * sites: off
 */
#include "truth.h"

#include <malloc.h>

#define N 64

static char *volatile kept;

/* Of the blocks, sets one apart whose predecessor exists. */
static int keep_a_pair(char **blocks)
{
	for (int i = 0; i < N; i++)
		for (int k = 0; k < N; k++)
			if (blocks[i] + malloc_usable_size(blocks[i]) ==
			    blocks[k]) {
				kept = blocks[k];
				blocks[i] = blocks[k] = NULL;
				return 1;
			}
	return 0;
}

static void work(void)
{
	char *blocks[N];
	for (int i = 0; i < N; i++)
		blocks[i] = new_block(64);
	require(keep_a_pair(blocks));
	for (int i = 0; i < N; i++)
		free(blocks[i]);
}

int main(void)
{
	certainly(work);
	return 0;
}
