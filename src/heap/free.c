/*
 * free: the blocks that the hit path could not take.
 */
#include "heap/heap.h"

#include "conf/conf.h"
#include "heap/decay.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/remote.h"

/*
 * Frees a block of the calling thread's own heap that did not fit the hit path.
 */
static enum pool_put_result free_own(struct heap *heap, struct pool *pool,
				     void *block)
{
	uint32_t class = pool->class;
	enum pool_put_result result = pool_examine(pool, (uintptr_t)block);
	if (result != POOL_PUT)
		return result;
	heap->was_used[class] = true;
	uint32_t n = heap_magazine_count(heap, class);
	if (n > 0 && heap->top[class][-1] == block)
		return POOL_DOUBLE_FREE;
	if (!conf.check && !heap_grow_magazine(heap, class) && n > 0) {
		lock_acquire(&heap->lock);
		heap_flush_locked(heap, class, n / 2 + 1);
		lock_release(&heap->lock);
	}
	if (heap->magazine_log[class] == 0)
		return heap_put_one(heap, pool, (uintptr_t)block);
	void **top = heap->top[class];
	*top = block;
	store_relaxed(&heap->top[class], top + 1);
	return POOL_PUT;
}

enum heap_mistake heap_free_slow(void *block)
{
	uintptr_t address = (uintptr_t)block;
	struct region *region = region_of(address);
	if (region == NULL)
		return HEAP_FOREIGN;
	size_t slice = region_slice(region, address);
	uint32_t entry = region_entry(region, slice);
	struct heap *heap = heap_mine;
	if (entry == 0 || entry_is_between(entry))
		return heap_look_up(block).mistake;
	void *descriptor = region_descriptor(region, slice);
	if (entry_code(entry) == CODE_LARGE) {
		struct large *large = descriptor;
		if (large->base != address)
			return HEAP_INTERIOR;
		size_t bytes = large->usable_bytes;
		large_free(large);
		decay_poll_large(heap_is_attached(heap) ? heap : NULL, bytes);
		return HEAP_FREED;
	}
	/* Another's: too frequent to look at the clock each time. */
	if ((entry ^ heap->key) >= N_CLASSES * ENTRY_CLASS_SCALE)
		return heap_mistake_of(remote_free(descriptor, address));
	enum pool_put_result result = free_own(heap, descriptor, block);
	decay_poll(heap_is_attached(heap) ? heap : NULL);
	return heap_mistake_of(result);
}
