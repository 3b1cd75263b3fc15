/*
 * look_up: what a pointer is, from the page map, the bitmaps and the slices.
 */
#include "base/atomic.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/pool.h"

enum heap_mistake heap_mistake_of(enum pool_put_result result)
{
	switch (result) {
	case POOL_PUT:
		return HEAP_FREED;
	case POOL_DOUBLE_FREE:
		return HEAP_DOUBLE_FREE;
	case POOL_INTERIOR:
		return HEAP_INTERIOR;
	case POOL_NEVER_CARVED:
		break;
	}
	return HEAP_NEVER_ALLOCATED;
}

static struct heap_block look_up_pool(struct pool *pool, uintptr_t address)
{
	uint32_t slot = pool_slot(pool, address);
	struct heap_block found = {
		.mistake = heap_mistake_of(pool_examine(pool, address)),
		.start = pool_block(pool, slot),
		.usable_bytes = pool->block_bytes,
	};
	uint64_t *remote = pool_remote_bits(pool);
	if (found.mistake == HEAP_FREED &&
	    (load_relaxed(&remote[slot / 64]) >> (slot % 64) & 1))
		found.mistake = HEAP_DOUBLE_FREE;
	return found;
}

static struct heap_block look_up_large(const struct large *large,
				       uintptr_t address,
				       enum heap_mistake at_start)
{
	return (struct heap_block){
		.mistake = large->base == address ? at_start : HEAP_INTERIOR,
		.start = large->base,
		.usable_bytes = large->usable_bytes,
		.is_large = true,
	};
}

/* A slice with no entry: inside a large block, or free. */
static struct heap_block look_up_unowned(const struct region *region,
					 uintptr_t address)
{
	size_t slice = region_slice(region, address);
	uintptr_t start = arena_run_start(address, NULL);
	if (start != 0) {
		size_t first = region_slice(region, start);
		if (region_entry(region, first) == CODE_LARGE)
			return look_up_large(region_descriptor(region, first),
					     address, HEAP_FREED);
	}
	const struct large *freed = region_descriptor(region, slice);
	if (freed != NULL && freed->base == address)
		return look_up_large(freed, address, HEAP_DOUBLE_FREE);
	return (struct heap_block){.mistake = HEAP_NEVER_ALLOCATED};
}

struct heap_block heap_look_up(const void *pointer)
{
	uintptr_t address = (uintptr_t)pointer;
	struct region *region = region_of(address);
	if (region == NULL)
		return (struct heap_block){.mistake = HEAP_FOREIGN};
	size_t slice = region_slice(region, address);
	uint32_t entry = region_entry(region, slice);
	if (entry == 0 || entry_is_between(entry))
		return look_up_unowned(region, address);
	void *descriptor = region_descriptor(region, slice);
	if (entry_code(entry) == CODE_LARGE)
		return look_up_large(descriptor, address, HEAP_FREED);
	return look_up_pool(descriptor, address);
}
