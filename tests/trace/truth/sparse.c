/*
 * sparse: a block of 4 GiB, nearly all of it untouched, has a pointer in its
 * middle.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * skip: valgrind lsan
 */
#include "truth.h"

#define SPARSE_BYTES (4ul << 30)

static char *volatile kept;

static void work(void)
{
	kept = new_block(SPARSE_BYTES);
	*(void **)(kept + SPARSE_BYTES / 2) = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
