/*
 * memory: what the workloads that are judged by their memory share.
 *
 * Resident memory is that of anonymous pages, less what the process had before
 * the workload began: libraries and the workload's own tables do not count.
 */
#ifndef BENCH_MEMORY_MEMORY_H
#define BENCH_MEMORY_MEMORY_H

#include "common/load.h"

#include <dlfcn.h>
#include <string.h>
#include <time.h>

static inline void sleep_ms(unsigned ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

/* Half up to 128 B, the others evenly over the doublings up to LIMIT. */
static inline size_t memory_size(struct random *random, size_t limit)
{
	uint64_t r = random_next(random);
	if (r & 1)
		return 16 + (r >> 8) % 113;
	size_t top = (size_t)256 << (r >> 1) % 8;
	size_t size_bytes = top / 2 + (r >> 8) % (top / 2 + 1);
	return size_bytes < limit ? size_bytes : limit;
}

/*
 * What was written to BLOCK counts as read: libc declares that nobody else
 * knows what malloc returns, so a compiler may drop the writes to a block that
 * the program never looks at again, and its pages would not be in memory.
 */
static inline void memory_keep(char *block)
{
	__asm__ volatile("" : : "r"(block) : "memory");
}

/* A block all of whose pages are used, and which knows its size. */
static inline char *memory_take(size_t size_bytes)
{
	char *block = block_take(size_bytes);
	memset(block, (char)size_bytes, size_bytes);
	memory_keep(block);
	return block;
}

/* Asks the allocator to give back what it can, if it knows that call. */
static inline void memory_trim(void)
{
	int (*trim)(size_t) =
		(int (*)(size_t))dlsym(RTLD_DEFAULT, "malloc_trim");
	if (trim != NULL)
		trim(0);
}

/*
 * A program that goes on with little: 20 blocks, every 5 ms. Allocators that
 * give memory back only when they are called have their chance.
 */
static inline void work_lightly(unsigned ms)
{
	struct random random = {99};
	for (unsigned i = 0; i < ms / 5; i++) {
		char *blocks[20];
		size_t sizes[20];
		for (size_t k = 0; k < LENGTH(blocks); k++) {
			sizes[k] = memory_size(&random, 2048);
			blocks[k] = block_take(sizes[k]);
		}
		for (size_t k = 0; k < LENGTH(blocks); k++)
			block_give(blocks[k], sizes[k]);
		sleep_ms(5);
	}
}

#endif
