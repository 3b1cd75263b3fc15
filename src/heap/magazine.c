/*
 * magazine: the arrays, kept by size for the next who needs one.
 */
#include "heap/magazine.h"

#include "base/lock.h"
#include "conf/conf.h"
#include "meta/store.h"

void *const magazine_none[2] = {NULL, NULL};

/* Guarded by store_lock: unused arrays of 2^k words, linked by their second. */
static void **spare[MAGAZINE_LOG_MAX + 1];

unsigned magazine_log_limit(uint32_t class)
{
	size_t blocks = conf.magazine_bytes / class_block_bytes(class);
	if (blocks >> MAGAZINE_LOG_MIN == 0)
		return MAGAZINE_LOG_MIN;
	return (unsigned)min_size(log2_floor(blocks), MAGAZINE_LOG_MAX);
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
