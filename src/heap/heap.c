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

/*
 * Room for so many bytes magazines have in any case; more takes that so many
 * times more has lately gone through them.
 */
#define CAPACITY_BYTES_MIN ((size_t)16 << 10)
#define REFILLS_A_CAPACITY 8

/* A thread whose blocks others free would else hold half a magazine of blocks
 * that nobody has asked for. */
#define REFILL_BYTES ((size_t)32 << 10)
#define REFILL_BLOCKS_MIN 4

/* What conf.magazine_bytes says for one thread, so many threads may have. */
#define FULL_SHARES 8

#define NO_MAGAZINES                                                           \
	.top = {[0 ... N_CLASSES - 1] = MAGAZINE_NONE_TOP},                    \
	.limit = {[0 ... N_CLASSES - 1] = MAGAZINE_NONE_TOP}

struct heap heap_none = {NO_MAGAZINES};
struct heap heap_gone = {NO_MAGAZINES};

_Thread_local struct heap *heap_mine
	__attribute__((tls_model("initial-exec"))) = &heap_none;

static size_t capacity_bytes(uint32_t class, unsigned log)
{
	return magazine_capacity(log) * (size_t)class_block_bytes(class);
}

/*
 * The magazine of CLASS becomes one of 2^LOG words that has room for what the
 * old one holds. The heap is locked: who holds all locks finds array and top
 * together.
 */
static bool replace_magazine_locked(struct heap *heap, uint32_t class,
				    unsigned log)
{
	unsigned old_log = heap->magazine_log[class];
	uint32_t n = heap_magazine_count(heap, class);
	void **blocks = magazine_make(log);
	if (blocks == NULL)
		return false;
	if (old_log != 0) {
		void **old = heap_magazine_blocks(heap, class);
		memcpy(blocks, old, n * sizeof(*blocks));
		magazine_discard(old, old_log);
	}
	heap->capacity_bytes -= capacity_bytes(class, old_log);
	heap->capacity_bytes += capacity_bytes(class, log);
	store_relaxed(&heap->magazine_log[class], (uint8_t)log);
	store_relaxed(&heap->limit[class], blocks + magazine_capacity(log));
	store_relaxed(&heap->top[class], blocks + n);
	return true;
}

/*
 * Halves the magazines that were neither empty nor full since the last time:
 * they may be larger than they need be. A tick takes away those that stay so.
 */
static void halve_idle_magazines(struct heap *heap)
{
	lock_acquire(&heap->lock);
	FOR_EACH_CLASS (class) {
		unsigned log = heap->magazine_log[class];
		if (log > magazine_log_first(class) && !heap->was_used[class]) {
			uint32_t n = heap_magazine_count(heap, class);
			uint32_t kept = magazine_capacity(log - 1);
			if (n > kept)
				heap_flush_locked(heap, class, n - kept);
			replace_magazine_locked(heap, class, log - 1);
		}
		heap->was_used[class] = false;
	}
	heap->refilled_bytes /= 2;
	lock_release(&heap->lock);
}

/*
 * A thread that allocates little, or once, must not keep much: its magazines
 * have room for a share of what they have lately been refilled with. Where all
 * have as much as one thread may, idle ones make room, but not so often that it
 * would cost more than it gains.
 */
static bool make_room(struct heap *heap, size_t bytes)
{
	size_t warranted =
		CAPACITY_BYTES_MIN + heap->refilled_bytes / REFILLS_A_CAPACITY;
	size_t most =
		conf.magazine_bytes / divide_up(registry_count(), FULL_SHARES);
	if (heap->capacity_bytes + bytes > warranted)
		return false;
	if (heap->capacity_bytes + bytes > most && warranted > most)
		halve_idle_magazines(heap);
	return heap->capacity_bytes + bytes <= most;
}

bool heap_grow_magazine(struct heap *heap, uint32_t class)
{
	unsigned old_log = heap->magazine_log[class];
	unsigned log = old_log == 0 ? magazine_log_first(class) : old_log + 1;
	size_t more_bytes =
		capacity_bytes(class, log) - capacity_bytes(class, old_log);
	if (log > MAGAZINE_LOG_MAX || heap->single_class == class ||
	    heap->single_class == HEAP_ALL_SINGLY ||
	    (old_log != 0 && !make_room(heap, more_bytes)))
		return false;
	lock_acquire(&heap->lock);
	bool grown = replace_magazine_locked(heap, class, log);
	lock_release(&heap->lock);
	return grown;
}

void heap_flush_locked(struct heap *heap, uint32_t class, uint32_t n)
{
	void **blocks = heap_magazine_blocks(heap, class);
	uint32_t kept = heap_magazine_count(heap, class) - n;
	heap_put_blocks_locked(heap, blocks, n);
	memmove(blocks, blocks + n, kept * sizeof(*blocks));
	store_relaxed(&heap->top[class], blocks + kept);
}

static void drop_magazine(struct heap *heap, uint32_t class)
{
	unsigned log = heap->magazine_log[class];
	if (log == 0)
		return;
	void **blocks = heap_magazine_blocks(heap, class);
	uint32_t n = heap_magazine_count(heap, class);
	if (n > 0)
		heap_put_blocks_locked(heap, blocks, n);
	store_relaxed(&heap->top[class], MAGAZINE_NONE_TOP);
	store_relaxed(&heap->limit[class], MAGAZINE_NONE_TOP);
	store_relaxed(&heap->magazine_log[class], 0);
	heap->capacity_bytes -= capacity_bytes(class, log);
	magazine_discard(blocks, log);
}

void heap_take_singly(struct heap *heap, uint32_t class)
{
	heap->single_class = class;
	if (class == N_CLASSES)
		return;
	lock_acquire(&heap->lock);
	FOR_EACH_CLASS (other)
		if (class == other || class == HEAP_ALL_SINGLY)
			drop_magazine(heap, other);
	lock_release(&heap->lock);
}

static void empty_magazines(struct heap *heap, bool idle_only)
{
	FOR_EACH_CLASS (class) {
		if (!(idle_only && heap->was_used[class]))
			drop_magazine(heap, class);
		heap->was_used[class] = false;
		heap->created_bytes[class] /= 2;
	}
	heap->refilled_bytes /= 2;
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

/* Half of the magazine, but not much more at once than will be used soon. */
static uint32_t refill_blocks(const struct heap *heap, uint32_t class)
{
	size_t half = magazine_capacity(heap->magazine_log[class]) / 2 + 1;
	size_t soon = REFILL_BYTES / class_block_bytes(class);
	return (uint32_t)min_size(half, max_size(soon, REFILL_BLOCKS_MIN));
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
	uint32_t want = refill_blocks(heap, class);
	lock_acquire(&heap->lock);
	uint32_t n = heap_take_blocks_locked(heap, class, want, blocks + want);
	if (UNLIKELY(n < want))
		memmove(blocks, blocks + want - n, n * sizeof(*blocks));
	/* Before the lock goes: who has all locks and has stopped this thread
	 * finds each block in a bitmap, in the magazine, or in our hands. */
	void *block = NULL;
	if (n > 0) {
		block = blocks[n - 1];
		store_relaxed(&heap->top[class], blocks + n - 1);
	}
	lock_release(&heap->lock);
	if (n == 0)
		return NULL;
	size_t bytes = n * (size_t)class_block_bytes(class);
	heap->refilled_bytes += bytes;
	heap->bytes_to_sample[class] -= (int64_t)bytes;
	return block;
}

void *heap_take_one(struct heap *heap, uint32_t class)
{
	void *block = NULL;
	lock_acquire(&heap->lock);
	heap_take_blocks_locked(heap, class, 1, &block + 1);
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
	void *block = heap_take_one(heap, class);
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
	return block != NULL ? block : heap_take_one(heap, class);
}

void *heap_refill(uint32_t class, size_t n)
{
	void *block = try_refill(class);
	if (UNLIKELY(block == NULL)) {
		decay_make_room(class_pool_slices(class), SLICE_BYTES);
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
