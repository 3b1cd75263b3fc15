/*
 * work: a table of blocks whose random ones are replaced, as several of the
 * thread workloads do it.
 */
#ifndef BENCH_THREADS_WORK_H
#define BENCH_THREADS_WORK_H

#include "common/load.h"

struct slot {
	char *block;
	size_t size_bytes;
};

/*
 * Mostly small: each further doubling is half as frequent. 56 % are up to 64 B,
 * 4 % beyond 512 B, and 1 % beyond 2 KiB, up to LIMIT.
 */
static inline size_t work_size(uint64_t r, size_t limit)
{
	unsigned doublings = (unsigned)__builtin_ctzll((r >> 4) | 1 << 7);
	size_t size_bytes = 16 + (r & 15) * ((size_t)4 << doublings);
	return size_bytes < limit ? size_bytes : limit;
}

static inline void work_put(struct slot *slot, size_t size_bytes)
{
	slot->block = block_take(size_bytes);
	slot->size_bytes = size_bytes;
}

static inline void work_give(struct slot *slot)
{
	if (slot->block != NULL)
		block_give(slot->block, slot->size_bytes);
	slot->block = NULL;
}

static inline void work_replace(struct slot *table, size_t n_slots,
				struct random *random, uint64_t n, size_t limit)
{
	while (n-- > 0) {
		uint64_t r = random_next(random);
		struct slot *slot = &table[((r >> 32) * n_slots) >> 32];
		work_give(slot);
		work_put(slot, work_size(r, limit));
	}
}

#endif
