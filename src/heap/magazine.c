/*
 * magazine: the arrays, kept by size for the next who needs one.
 */
#include "heap/magazine.h"

#include "base/lock.h"
#include "meta/store.h"

void *const magazine_none[2] = {NULL, NULL};

/* Guarded by store_lock: unused arrays of 2^k words, linked by their second. */
static void **spare[MAGAZINE_LOG_MAX + 1];

unsigned magazine_log_first(uint32_t class)
{
	size_t blocks = MAGAZINE_FIRST_BYTES / class_block_bytes(class);
	unsigned log = blocks == 0 ? 1 : log2_floor(blocks + 1);
	return log < MAGAZINE_LOG_FIRST_MAX ? log : MAGAZINE_LOG_FIRST_MAX;
}

void **magazine_make(unsigned log)
{
	size_t bytes = sizeof(void *) << log;
	lock_acquire(&store_lock);
	void **array = spare[log];
	if (array != NULL)
		spare[log] = array[1];
	lock_release(&store_lock);
	if (array == NULL)
		array = store_take(bytes, CACHE_LINE);
	if (array == NULL)
		return NULL;
	array[0] = NULL;
	return array + 1;
}

void magazine_discard(void **blocks, unsigned log)
{
	void **array = blocks - 1;
	lock_acquire(&store_lock);
	array[1] = spare[log];
	spare[log] = array;
	lock_release(&store_lock);
}
