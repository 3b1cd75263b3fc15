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

static struct heap_block look_up_large(const struct region *region,
				       size_t first, uintptr_t address,
				       enum heap_mistake at_start)
{
	uintptr_t start = slice_address(region, first);
	uintptr_t descriptor = (uintptr_t)region_descriptor(region, first);
	return (struct heap_block){
		.mistake = start == address ? at_start : HEAP_INTERIOR,
		.start = start,
		.usable_bytes = large_usable_bytes(descriptor),
		.is_large = true,
	};
}

/* A slice with no pool and no block's start: inside a large block, or free. */
static struct heap_block look_up_unowned(const struct region *region,
					 uintptr_t address)
{
	size_t slice = region_slice(region, address), n_slices;
	uintptr_t start = arena_run_start(address, &n_slices);
	if (start != 0) {
		size_t first = region_slice(region, start);
		if (entry_is_large(region_entry(region, first)))
			return look_up_large(region, first, address,
					     HEAP_FREED);
	}
	uintptr_t freed = (uintptr_t)region_descriptor(region, slice);
	if (large_is(freed) && slice_address(region, slice) == address)
		return look_up_large(region, slice, address, HEAP_DOUBLE_FREE);
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
	if (entry_is_large(entry))
		return look_up_large(region, slice, address, HEAP_FREED);
	if (entry_is_pool(entry))
		return look_up_pool(region_descriptor(region, slice), address);
	return look_up_unowned(region, address);
}
