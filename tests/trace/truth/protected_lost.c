/*
 * protected_lost: the same, and the block is lost.
 *
 * expect: lost count=1 blocks=1 retained=5
 */
#include "truth.h"

#include <malloc.h>

static void work(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *block = opaque(memalign(page, 3 * page));
	require(block != NULL);
	memset(block, 0, 3 * page);
	*(void **)block = new_chain(2);
	*(void **)(block + 3 * page - sizeof(void *)) = new_chain(2);
	require(mprotect(block + page, page, PROT_NONE) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
