/*
 * heap: one thread's allocator state, and the two hit paths.
 *
 * A thread takes from and gives to its magazines without a lock, an atomic or a
 * call. What a magazine lacks or has too much of goes to and from the heap's
 * pools, in batches, under the heap's lock: the thread itself nearly always
 * finds it free, and others (purge, trim, fork, statistics) can work on a heap
 * whose thread is asleep.
 *
 * Law:   a heap is attached to one thread, or parked in the registry.
 * Locks: `lock` guards the pools; the magazines are the thread's alone.
 */
#ifndef TARN_HEAP_HEAP_H
#define TARN_HEAP_HEAP_H

#include "base/attr.h"
#include "base/lock.h"
#include "heap/magazine.h"
#include "heap/pool.h"
#include "heap/size_class.h"
#include "meta/region.h"

/*
 * What small requests were rounded up by, from the requests that came to
 * refill.
 */
struct request_sample {
	uint64_t n;
	uint64_t bytes;
};

struct heap {
	/* Owner thread only; others read them to count. */
	void **top[N_CLASSES];
	void **limit[N_CLASSES];
	/* Fixed at creation: id << ENTRY_CLASS_BITS. */
	uint32_t key;

	/* Owner thread only. */
	uint32_t calls_to_poll; /* see api_poll_is_due() */
	uint32_t large_calls_to_poll;
	uint8_t magazine_log[N_CLASSES];
	size_t capacity_bytes;	  /* of all magazines, when they are full */
	uint64_t refilled_bytes;  /* lately: halved at each tick */
	bool was_used[N_CLASSES]; /* slow path taken since the last tick */
	uint64_t last_tick_ms;
	struct request_sample requests[N_CLASSES];

	/* For src/watch: what may still be taken before one block of the class
	 * is to be noted, and the class whose next blocks come one by one, so
	 * that any of them can be it: N_CLASSES for none. */
	int64_t bytes_to_sample[N_CLASSES];
	int64_t large_bytes_to_sample;
	uint32_t single_class;
	uint32_t calls_to_sample;
	uint32_t n_ignoring; /* see watch_ignore() */
	uint64_t random;

	struct lock lock;
	/* Guarded by lock. */
	bool has_sites;	     /* its pools are made with room for sites */
	int64_t grown_bytes; /* see heap/growth.h */
	struct pool *current[N_CLASSES];
	size_t created_bytes[N_CLASSES]; /* new pools; halved at each tick */
	struct pool_list bins[N_CLASSES][POOL_BINS];
	struct pool_list cooling;
	struct pool *draining; /* left of a list that was `flagged` */

	/* Guarded by the registry's lock. */
	uintptr_t thread; /* who has taken it, unless it is parked */
	struct heap *next;
	struct heap *next_parked;
	bool is_parked;

	/* Atomic: pools with remote frees to drain (heap/remote.h). */
	struct pool *flagged CACHE_ALIGNED;
};

/*
 * The calling thread's heap: heap_none before it needs one, heap_gone after the
 * thread's end has parked it. Both have magazines that do not exist, so the hit
 * paths need no test for them.
 */
extern HIDDEN _Thread_local struct heap *heap_mine
	__attribute__((tls_model("initial-exec")));
extern HIDDEN struct heap heap_none;
extern HIDDEN struct heap heap_gone;

/* The blocks of the magazine of CLASS, oldest first, and how many there are. */
static inline void **heap_magazine_blocks(const struct heap *heap,
					  uint32_t class)
{
	return heap->limit[class] -
	       magazine_capacity(heap->magazine_log[class]);
}

static inline uint32_t heap_magazine_count(const struct heap *heap,
					   uint32_t class)
{
	return (uint32_t)(heap->top[class] - heap_magazine_blocks(heap, class));
}

static inline uint32_t heap_id(const struct heap *heap)
{
	return heap->key >> ENTRY_CLASS_BITS;
}

/* True if this thread has magazines of its own. */
static inline bool heap_is_attached(const struct heap *heap)
{
	return heap->key != 0;
}

/*
 * The hit path of malloc: a block of CLASS, or NULL if the magazine is empty.
 */
static ALWAYS_INLINE void *heap_pop(uint32_t class)
{
	struct heap *heap = heap_mine;
	void **top = heap->top[class];
	void *block = top[-1];
	if (LIKELY(block != NULL))
		store_relaxed(&heap->top[class], top - 1);
	return block;
}

#define HALF_INDEXED(array, code)                                              \
	(*(void ***)((char *)(array) +                                         \
		     (code) * (sizeof((array)[0]) / ENTRY_CLASS_SCALE)))

/*
 * The hit path of free: true if BLOCK was put on a magazine. False if anything
 * is out of the ordinary: another thread's block, a large one, a foreign
 * pointer, NULL, a full magazine, the same block twice in a row.
 */
static ALWAYS_INLINE bool heap_push(void *block)
{
	const struct region *region = &regions[0];
	size_t slice = region_slice(region, (uintptr_t)block);
	if (UNLIKELY(slice >= region->n_slices))
		return false;
	struct heap *heap = heap_mine;
	uint32_t code = region_entry(region, slice) ^ heap->key;
	if (UNLIKELY(code >= N_CLASSES * ENTRY_CLASS_SCALE))
		return false;
	/* Half an index, so that the processor scales it by two as it goes. */
	size_t half = code;
	void **top = HALF_INDEXED(heap->top, half);
	if (UNLIKELY(top == HALF_INDEXED(heap->limit, half)))
		return false;
	if (UNLIKELY(top[-1] == block))
		return false;
	store_relaxed(top, block);
	/* Keeps the compiler from holding the address in a register, which
	 * costs an instruction more than it saves. */
	__asm__("" : "+r"(half));
	increment_own(&HALF_INDEXED(heap->top, half));
	return true;
}

/*
 * A block for a request of N bytes in CLASS when the magazine had none. NULL if
 * the OS refuses, also after all that was free was given back.
 */
void *heap_refill(uint32_t class, size_t n);

/* Fixed at the start: every pool is made with room for sites. */
extern HIDDEN bool heap_sites_for_all;

/* A block of CLASS from the pools of HEAP, which need not be the thread's. */
void *heap_take_one(struct heap *heap, uint32_t class);

/*
 * From now on the calling thread's blocks of CLASS, or of HEAP_ALL_SINGLY, come
 * one by one, and go back one by one, past the magazine; N_CLASSES ends that.
 */
#define HEAP_ALL_SINGLY UINT32_MAX
void heap_take_singly(struct heap *heap, uint32_t class);

/* What heap_free_slow found BLOCK to be, when it cannot be freed. */
enum heap_mistake {
	HEAP_FREED, /* no mistake */
	HEAP_DOUBLE_FREE,
	HEAP_INTERIOR,
	HEAP_NEVER_ALLOCATED,
	HEAP_FOREIGN,
};

/*
 * Frees BLOCK (not NULL) whatever it is. On a mistake nothing is changed, and
 * the caller, who knows the function's name, reports it.
 */
enum heap_mistake heap_free_slow(void *block);

/* What a pointer is, for reports, sizes and realloc. */
struct heap_block {
	enum heap_mistake mistake; /* HEAP_FREED: it is a block in use */
	uintptr_t start;	   /* of the block or slot it lies in */
	size_t usable_bytes;
	bool is_large;
};

/*
 * Looks POINTER up. A block that is free but still in a magazine looks in use:
 * the bitmaps cannot tell, and this never looks into magazines.
 */
struct heap_block heap_look_up(const void *pointer);

/* The same as found by a pool. */
enum heap_mistake heap_mistake_of(enum pool_put_result result);

/* Empties the calling thread's magazines into its pools; with IDLE_ONLY those
 * whose slow path was not taken since the last call. */
void heap_empty_magazines(struct heap *heap, bool idle_only);

/*
 * The same for a heap that the caller has locked and whose thread is not
 * running.
 */
void heap_empty_magazines_locked(struct heap *heap);

/*
 * Doubles the magazine of CLASS, keeping what is in it; false if it, or all the
 * thread's magazines together, have as much room as they may.
 */
bool heap_grow_magazine(struct heap *heap, uint32_t class);

/* Gives the oldest N blocks of a magazine back to the bitmaps. */
void heap_flush_locked(struct heap *heap, uint32_t class, uint32_t n);

#endif
