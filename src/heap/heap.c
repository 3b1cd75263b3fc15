/*
 * heap: magazines, and how malloc's slow path fills them.
 *
 * Only the thread whose heap it is comes here, but for what ends in _locked.
 */
#include "heap/heap.h"

#include <string.h>

#include "conf/conf.h"
#include "heap/decay.h"
#include "heap/heap_pools.h"
#include "heap/registry.h"

#define NO_MAGAZINES                                                           \
	.top = {[0 ... N_CLASSES - 1] = MAGAZINE_NONE_TOP},                    \
	.limit = {[0 ... N_CLASSES - 1] = MAGAZINE_NONE_TOP}

struct heap heap_none = {NO_MAGAZINES};
struct heap heap_gone = {NO_MAGAZINES};

_Thread_local struct heap *heap_mine
	__attribute__((tls_model("initial-exec"))) = &heap_none;

bool heap_grow_magazine(struct heap *heap, uint32_t class)
{
	unsigned old_log = heap->magazine_log[class];
	unsigned log = old_log == 0 ? MAGAZINE_LOG_MIN : old_log + 1;
	if (log > magazine_log_limit(class))
		return false;
	void **blocks = magazine_make(log);
	if (blocks == NULL)
		return false;
	uint32_t n = heap_magazine_count(heap, class);
	if (old_log != 0) {
		void **old = heap_magazine_blocks(heap, class);
		memcpy(blocks, old, n * sizeof(*blocks));
		magazine_discard(old, old_log);
	}
	store_relaxed(&heap->magazine_log[class], (uint8_t)log);
	store_relaxed(&heap->limit[class], blocks + magazine_capacity(log));
	store_relaxed(&heap->top[class], blocks + n);
	return true;
}

void heap_flush_locked(struct heap *heap, uint32_t class, uint32_t n)
{
	void **blocks = heap_magazine_blocks(heap, class);
	uint32_t kept = heap_magazine_count(heap, class) - n;
	heap_put_blocks_locked(heap, blocks, n);
	memmove(blocks, blocks + n, kept * sizeof(*blocks));
	store_relaxed(&heap->top[class], blocks + kept);
}

static void empty_magazines(struct heap *heap, bool idle_only)
{
	FOR_EACH_CLASS (class) {
		uint32_t n = heap_magazine_count(heap, class);
		if (n > 0 && !(idle_only && heap->was_used[class]))
			heap_flush_locked(heap, class, n);
		heap->was_used[class] = false;
	}
}

void heap_empty_magazines_locked(struct heap *heap)
{
	empty_magazines(heap, false);
}

void heap_empty_magazines(struct heap *heap, bool idle_only)
{
	lock_acquire(&heap->lock);
	heap_drain_locked(heap);
	empty_magazines(heap, idle_only);
	lock_release(&heap->lock);
}

static void reverse(void **blocks, uint32_t n)
{
	for (uint32_t i = 0, j = n; i + 1 < j; i++) {
		void *block = blocks[i];
		blocks[i] = blocks[--j];
		blocks[j] = block;
	}
}

/*
 * Fills the empty magazine of CLASS by half, lowest address on top, and pops.
 */
static void *refill_magazine(struct heap *heap, uint32_t class)
{
	heap_grow_magazine(heap, class);
	if (heap->magazine_log[class] == 0)
		return NULL;
	void **blocks = heap_magazine_blocks(heap, class);
	uint32_t want = magazine_capacity(heap->magazine_log[class]) / 2 + 1;
	lock_acquire(&heap->lock);
	uint32_t n = heap_take_blocks_locked(heap, class, want, blocks);
	lock_release(&heap->lock);
	if (n == 0)
		return NULL;
	reverse(blocks, n);
	store_relaxed(&heap->top[class], blocks + n - 1);
	return blocks[n - 1];
}

static void *take_one(struct heap *heap, uint32_t class)
{
	void *block = NULL;
	lock_acquire(&heap->lock);
	heap_take_blocks_locked(heap, class, 1, &block);
	lock_release(&heap->lock);
	return block;
}

/*
 * For a thread without a heap of its own, because it has ended or the OS
 * refused.
 */
static void *take_one_elsewhere(uint32_t class)
{
	struct heap *heap = registry_take();
	if (heap == NULL)
		return NULL;
	void *block = take_one(heap, class);
	registry_park(heap);
	return block;
}

static void *try_refill(uint32_t class)
{
	struct heap *heap = heap_mine;
	if (!heap_is_attached(heap))
		return take_one_elsewhere(class);
	/* A heap just taken over comes with what its magazines hold. */
	void *block = heap_pop(class);
	if (block != NULL)
		return block;
	heap->was_used[class] = true;
	if (!conf.check)
		block = refill_magazine(heap, class);
	return block != NULL ? block : take_one(heap, class);
}

void *heap_refill(uint32_t class, size_t n)
{
	void *block = try_refill(class);
	if (UNLIKELY(block == NULL)) {
		decay_make_room();
		block = try_refill(class);
	}
	struct heap *heap = heap_mine;
	if (!heap_is_attached(heap))
		return block;
	struct request_sample *sample = &heap->requests[class];
	store_relaxed(&sample->n, sample->n + 1);
	store_relaxed(&sample->bytes, sample->bytes + n);
	decay_poll(heap);
	return block;
}
