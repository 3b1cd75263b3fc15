/*
 * free: the blocks that the hit path could not take.
 */
#include "heap/heap.h"

#include "conf/conf.h"
#include "heap/decay.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "heap/share.h"

static enum pool_put_result push(struct heap *heap, struct pool *pool,
				 void *block)
{
	struct magazine *magazine = &heap->magazines[pool->class];
	magazine_regain_locked(magazine);
	void **top = magazine->top;
	uint32_t n = magazine_count(magazine);
	if ((n > 0 && top[-1] == block) || (n > 1 && top[-2] == block))
		return POOL_DOUBLE_FREE;
	heap->was_used[pool->class] = true;
	if (!conf.check && top >= magazine->limit)
		heap_make_room_locked(heap, pool->class);
	if (conf.check || !magazine_exists(magazine))
		return heap_put_one_locked(heap, pool, (uintptr_t)block);
	top = magazine->top;
	store_relaxed(top, block);
	store_relaxed(&magazine->top, top + 1);
	return POOL_PUT;
}

/*
 * Frees a block of the calling thread's own heap that did not fit the hit path.
 */
static enum pool_put_result free_own(struct heap *heap, struct pool *pool,
				     void *block)
{
	lock_acquire(&heap->lock);
	enum pool_put_result result = pool_examine(pool, (uintptr_t)block);
	if (result == POOL_PUT)
		result = push(heap, pool, block);
	lock_release(&heap->lock);
	heap->is_poll_due = heap_is_attached(heap);
	return result;
}

static enum heap_mistake free_large(struct heap *heap, uintptr_t address)
{
	size_t bytes;
	if (!large_free(heap_is_attached(heap) ? heap : &heap_common, address,
			&bytes))
		return HEAP_DOUBLE_FREE;
	if (heap_is_attached(heap)) {
		heap->is_freeing_large = true;
		decay_note_large(heap, bytes);
	}
	return HEAP_FREED;
}

/*
 * The owner of a block that another thread frees may sleep, and never drain
 * what it gets back. So who frees much for others does it for them at times; as
 * seldom as may be, since such a free takes long.
 */
static enum pool_put_result free_for_other(struct heap *heap, struct pool *pool,
					   void *block)
{
	uint32_t bytes = pool->block_bytes;
	struct heap *owner = load_relaxed(&pool->owner);
	enum pool_put_result result = remote_free(pool, (uintptr_t)block);
	if (result != POOL_PUT || !heap_is_attached(heap))
		return result;
	heap->remote_bytes += bytes;
	if (LIKELY(heap->remote_bytes < SHARE_REMOTE_BYTES_MIN ||
		   (owner != NULL && !load_relaxed(&owner->is_parked) &&
		    heap->remote_bytes < share_remote_bytes())))
		return result;
	heap->remote_bytes = 0;
	if (owner != NULL && lock_try(&owner->lock)) {
		heap_drain_locked(owner);
		if (owner->is_parked)
			runs_empty_locked(owner, false);
		lock_release(&owner->lock);
	}
	heap->to_look_after = owner;
	heap->is_poll_due = true;
	return result;
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
	if (entry_is_large(entry))
		return slice_address(region, slice) == address
			       ? free_large(heap, address)
			       : HEAP_INTERIOR;
	if (!entry_is_pool(entry))
		return heap_look_up(block).mistake;
	struct pool *pool = region_descriptor(region, slice);
	if ((entry ^ heap->key) < class_code(N_CLASSES))
		return heap_mistake_of(free_own(heap, pool, block));
	return heap_mistake_of(free_for_other(heap, pool, block));
}
