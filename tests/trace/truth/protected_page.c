/*
 * protected_page: a page in the middle of a block cannot be read; before and
 * after it there are pointers.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

#include <malloc.h>

static char *volatile kept;

static void work(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	kept = memalign(page, 3 * page);
	require(kept != NULL);
	memset(kept, 0, 3 * page);
	*(void **)kept = new_chain(2);
	*(void **)(kept + 3 * page - sizeof(void *)) = new_chain(2);
	require(mprotect(kept + page, page, PROT_NONE) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
