/*
 * heap: magazines, and how malloc's slow path fills them.
 *
 * Only the thread whose heap it is comes here, but for what ends in _locked and
 * heap_take_one. Magazines are looked at under the lock only, after
 * magazine_regain_locked: a thief may have been there.
 */
#include "heap/heap.h"

#include <string.h>

#include "conf/conf.h"
#include "heap/heap_pools.h"
#include "heap/registry.h"
#include "heap/share.h"
#include "os/barrier.h"

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

/*
 * While more is idle than may be, magazines give back little at a time, so that
 * the purging that follows each time keeps up, and become small: each block
 * freed at random holds a page.
 */
#define FLUSH_BLOCKS_WHEN_OVER 32

#define HEAP_WITHOUT_MAGAZINES                                                 \
	.magazines = {[0 ... N_CLASSES - 1] = {.top = MAGAZINE_NOWHERE,        \
					       .blocks = MAGAZINE_NOWHERE,     \
					       .most = UINT32_MAX}}

struct heap heap_none = {HEAP_WITHOUT_MAGAZINES};
struct heap heap_gone = {HEAP_WITHOUT_MAGAZINES};
struct heap heap_common = {
	HEAP_WITHOUT_MAGAZINES,
	.key = 1u << ENTRY_CLASS_BITS,
	.single_class = N_CLASSES,
	.lock = LOCK_INIT(LOCK_HEAP),
};

_Thread_local struct heap *heap_mine
	__attribute__((tls_model("initial-exec"))) = &heap_none;

static struct magazine *magazine_of(struct heap *heap, uint32_t class)
{
	return &heap->magazines[class];
}

static size_t capacity_bytes(uint32_t class, unsigned log)
{
	return magazine_capacity(log) * (size_t)class_block_bytes(class);
}

/* Gives the oldest N blocks of a magazine back to the bitmaps. */
static void flush(struct heap *heap, uint32_t class, uint32_t n)
{
	struct magazine *magazine = magazine_of(heap, class);
	void **blocks = magazine->blocks;
	uint32_t kept = magazine_count(magazine) - n;
	heap_put_blocks_locked(heap, class, blocks, n);
	memmove(blocks, blocks + n, kept * sizeof(*blocks));
	store_relaxed(&magazine->top, blocks + kept);
}

/* The magazine of CLASS gets 2^LOG words; what is too much is flushed. */
static bool resize(struct heap *heap, uint32_t class, unsigned log)
{
	struct magazine *magazine = magazine_of(heap, class);
	unsigned old_log = magazine_log(magazine);
	uint32_t n = magazine_count(magazine), kept = magazine_capacity(log);
	if (n > kept)
		flush(heap, class, n - kept);
	if (!magazine_resize_locked(magazine, log))
		return false;
	heap->capacity_bytes -= capacity_bytes(class, old_log);
	heap->capacity_bytes += capacity_bytes(class, log);
	return true;
}

/*
 * Halves the magazines that were neither empty nor full since the last time:
 * they may be larger than they need be. A tick takes away those that stay so.
 */
static void halve_idle_magazines(struct heap *heap)
{
	FOR_EACH_CLASS (class) {
		struct magazine *magazine = magazine_of(heap, class);
		magazine_regain_locked(magazine);
		unsigned log = magazine_log(magazine);
		if (log > magazine_log_first(class) && !heap->was_used[class])
			resize(heap, class, log - 1);
		heap->was_used[class] = false;
	}
	heap->refilled_bytes /= 2;
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
	size_t most = share_bytes();
	if (heap->capacity_bytes + bytes > warranted)
		return false;
	if (heap->capacity_bytes + bytes > most && warranted > most)
		halve_idle_magazines(heap);
	return heap->capacity_bytes + bytes <= most;
}

/*
 * Doubles the magazine of CLASS, keeping what is in it; false if it, or all the
 * thread's magazines together, have as much room as they may.
 */
static bool grow(struct heap *heap, uint32_t class)
{
	unsigned old_log = magazine_log(magazine_of(heap, class));
	unsigned log = old_log == 0 ? magazine_log_first(class) : old_log + 1;
	if (log > MAGAZINE_LOG_MAX || heap->single_class == class ||
	    heap->single_class == HEAP_ALL_SINGLY)
		return false;
	size_t more_bytes =
		capacity_bytes(class, log) - capacity_bytes(class, old_log);
	if (old_log != 0 && !make_room(heap, more_bytes))
		return false;
	/* It may have been halved for that. */
	return magazine_log(magazine_of(heap, class)) == old_log &&
	       resize(heap, class, log);
}

bool heap_make_room_locked(struct heap *heap, uint32_t class)
{
	struct magazine *magazine = magazine_of(heap, class);
	bool is_over = magazine_exists(magazine) && idle_excess_bytes(0) > 0;
	if (!is_over && grow(heap, class))
		return true;
	if (!magazine_exists(magazine))
		return false;
	unsigned log = magazine_log(magazine);
	if (is_over && log > magazine_log_first(class))
		resize(heap, class, log - 1);
	uint32_t n = magazine_count(magazine) / 2 + 1;
	flush(heap, class,
	      is_over ? (uint32_t)min_size(n, FLUSH_BLOCKS_WHEN_OVER) : n);
	return true;
}

void heap_empty_magazine_locked(struct heap *heap, uint32_t class)
{
	struct magazine *magazine = magazine_of(heap, class);
	magazine_regain_locked(magazine);
	if (magazine_exists(magazine))
		resize(heap, class, 0);
}

static void empty_magazines(struct heap *heap, bool idle_only)
{
	FOR_EACH_CLASS (class) {
		if (!(idle_only && heap->was_used[class]))
			heap_empty_magazine_locked(heap, class);
		heap->was_used[class] = false;
		heap->created_bytes[class] /= 2;
	}
	heap->refilled_bytes /= 2;
}

void heap_empty_magazines_locked(struct heap *heap)
{
	empty_magazines(heap, false);
}

void heap_tick(struct heap *heap)
{
	lock_acquire(&heap->lock);
	heap_drain_locked(heap);
	empty_magazines(heap, true);
	runs_empty_locked(heap, true);
	lock_release(&heap->lock);
}

void heap_take_singly(struct heap *heap, uint32_t class)
{
	heap->single_class = class;
	if (class == N_CLASSES)
		return;
	lock_acquire(&heap->lock);
	FOR_EACH_CLASS (other)
		if (class == other || class == HEAP_ALL_SINGLY)
			heap_empty_magazine_locked(heap, other);
	lock_release(&heap->lock);
}

void heap_rob_locked(struct heap *heap)
{
	bool is_robbed[N_CLASSES], any = false;
	FOR_EACH_CLASS (class)
		any |= magazine_is_worth_robbing(magazine_of(heap, class));
	if (!any || !os_barrier_is_possible())
		return;
	FOR_EACH_CLASS (class)
		is_robbed[class] =
			magazine_rob_locked(magazine_of(heap, class));
	bool has_passed = os_barrier();
	FOR_EACH_CLASS (class) {
		uint32_t n;
		if (!is_robbed[class])
			continue;
		void **blocks = magazine_robbed_locked(magazine_of(heap, class),
						       has_passed, &n);
		if (n > 0)
			heap_put_blocks_locked(heap, class, blocks, n);
	}
}

/* From the heap's own pools, then a parked heap's, then new ones. */
static uint32_t take_blocks(struct heap *heap, uint32_t class, uint32_t n,
			    void **end)
{
	uint32_t taken = heap_take_blocks_locked(heap, class, n, end, false);
	if (taken == 0 && registry_adopt_locked(heap, class))
		taken = heap_take_blocks_locked(heap, class, n, end, false);
	if (taken == 0)
		taken = heap_take_blocks_locked(heap, class, n, end, true);
	return taken;
}

/* Larger than before, if it may be. */
static bool has_magazine(struct heap *heap, uint32_t class)
{
	grow(heap, class);
	return magazine_exists(magazine_of(heap, class));
}

/* Half of the magazine, but not much more at once than will be used soon. */
static uint32_t refill_blocks(const struct heap *heap, uint32_t class)
{
	unsigned log = magazine_log(&heap->magazines[class]);
	size_t half = magazine_capacity(log) / 2 + 1;
	size_t soon = REFILL_BYTES / class_block_bytes(class);
	return (uint32_t)min_size(half, max_size(soon, REFILL_BLOCKS_MIN));
}

/*
 * Fills the empty magazine of CLASS by half, lowest address on top, and pops.
 */
static void *fill_magazine(struct heap *heap, uint32_t class)
{
	struct magazine *magazine = magazine_of(heap, class);
	void **blocks = magazine->blocks;
	uint32_t want = refill_blocks(heap, class);
	uint32_t n = take_blocks(heap, class, want, blocks + want);
	if (n == 0)
		return NULL;
	if (UNLIKELY(n < want))
		memmove(blocks, blocks + want - n, n * sizeof(*blocks));
	/* Before the lock goes: who has all locks and has stopped this thread
	 * finds each block in a bitmap, in the magazine, or in our hands. */
	void *block = blocks[n - 1];
	store_relaxed(&magazine->top, blocks + n - 1);
	size_t bytes = n * (size_t)class_block_bytes(class);
	heap->refilled_bytes += bytes;
	heap->bytes_to_sample[class] -= (int64_t)bytes;
	return block;
}

static void *take_one(struct heap *heap, uint32_t class)
{
	void *block = NULL;
	take_blocks(heap, class, 1, &block + 1);
	return block;
}

void *heap_take_one(struct heap *heap, uint32_t class)
{
	lock_acquire(&heap->lock);
	void *block = take_one(heap, class);
	lock_release(&heap->lock);
	return block;
}

void *heap_refill(uint32_t class, size_t n)
{
	struct heap *heap = heap_mine;
	if (!heap_is_attached(heap))
		return heap_take_one(&heap_common, class);
	lock_acquire(&heap->lock);
	magazine_regain_locked(magazine_of(heap, class));
	/* One just taken over, or robbed, has something. */
	void *block = heap_pop(class_code(class));
	if (block == NULL) {
		heap->was_used[class] = true;
		bool by_magazine = !conf.check && has_magazine(heap, class);
		block = by_magazine ? fill_magazine(heap, class)
				    : take_one(heap, class);
	}
	lock_release(&heap->lock);
	struct request_sample *sample = &heap->requests[class];
	store_relaxed(&sample->n, sample->n + 1);
	store_relaxed(&sample->bytes, sample->bytes + n);
	return block;
}

void *heap_take_zeroed(uint32_t class, size_t n)
{
	struct heap *heap = heap_mine;
	size_t first = 0, stop = 0;
	if (!heap_is_attached(heap))
		heap = &heap_common;
	lock_acquire(&heap->lock);
	void *block =
		heap_take_zeroed_locked(heap, class, &first, &stop, false);
	if (block == NULL && registry_adopt_locked(heap, class))
		block = heap_take_zeroed_locked(heap, class, &first, &stop,
						false);
	if (block == NULL)
		block = heap_take_zeroed_locked(heap, class, &first, &stop,
						true);
	lock_release(&heap->lock);
	if (block != NULL && min_size(stop, n) > first)
		memset((char *)block + first, 0, min_size(stop, n) - first);
	return block;
}
