/*
 * heap: one thread's allocator state, and the two hit paths.
 *
 * A thread takes from and gives to its magazines without a lock, an atomic or a
 * call. What a magazine lacks or has too much of goes to and from the heap's
 * pools, in batches, under the heap's lock: the thread itself nearly always
 * finds it free, and others (purge, trim, fork, statistics, theft) can work on
 * a heap whose thread is asleep.
 *
 * Law:   a heap is attached to one thread, or parked in the registry, or one of
 *        those that all threads share.
 * Locks: `lock` guards the pools and the runs at hand; `top` and `limit` of the
 *        magazines are the thread's alone, but for theft (heap/magazine.h).
 */
#ifndef TARN_HEAP_HEAP_H
#define TARN_HEAP_HEAP_H

#include "base/attr.h"
#include "base/lock.h"
#include "heap/idle.h"
#include "heap/magazine.h"
#include "heap/pool.h"
#include "heap/runs.h"
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

/* Of the heap's pools of one class. */
struct class_counts {
	uint64_t n_pools;
	uint64_t n_in_use; /* slots neither free nor carved yet */
	uint64_t purged_bytes;
};

/* Of large blocks: taken by this heap's thread less freed by it, so that a
 * heap's may be less than nothing, but not their sum over all. */
struct large_counts {
	int64_t n_blocks;
	int64_t requested_bytes;
	int64_t usable_bytes;
	int64_t n_slices;
};

struct heap {
	struct magazine magazines[N_CLASSES];
	/* Fixed at creation: what entry_make() is of it and class 0. */
	uint32_t key;

	/* Owner thread only. */
	uint32_t calls_to_poll; /* see api_poll_is_due() */
	uint32_t large_calls_to_poll;
	bool was_used[N_CLASSES];   /* slow path taken since the last tick */
	bool is_freeing_large;	    /* in free or realloc of a large block */
	bool is_poll_due;	    /* by the slow path that this is in */
	bool is_polling;	    /* is at it already */
	struct heap *to_look_after; /* its thread may sleep: see free.c */
	unsigned n_loud;       /* calls that others may hook, one in another */
	uint64_t last_tick_ms; /* others read it, relaxed */
	size_t remote_bytes;   /* see heap/free.c */
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
	size_t capacity_bytes;	 /* of all magazines, when they are full */
	uint64_t refilled_bytes; /* lately: halved at each tick */
	bool has_sites;		 /* its pools are made with room for sites */
	int64_t grown_bytes;	 /* see heap/growth.h */
	struct idle_share idle;	 /* see heap/idle.h */
	struct runs runs;
	struct class_counts counts[N_CLASSES];
	struct large_counts large;
	struct pool *current[N_CLASSES];
	size_t created_bytes[N_CLASSES]; /* new pools; halved at each tick */
	struct pool_list bins[N_CLASSES][POOL_BINS];
	struct pool_list cooling;
	struct pool_spares spares[N_CLASSES];
	struct pool *draining; /* left of a list that was `flagged` */

	/* Guarded by the registry's lock. */
	uintptr_t thread; /* who has taken it, unless it is parked */
	struct heap *next_parked;
	struct heap *next_with_room[N_CLASSES]; /* see heap/parking.h */
	bool is_with_room[N_CLASSES];
	/* Fixed at creation, published by the list's head. */
	struct heap *next;

	/* Atomic: pools with remote frees to drain (heap/remote.h). */
	struct pool *flagged CACHE_ALIGNED;
	bool is_parked; /* written under the registry's lock and `lock` */
	/* On the stack of parked heaps with such pools; and the next there. */
	bool is_flagged;
	struct heap *next_flagged;
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

/* What threads without a heap of their own share, under its lock. */
extern HIDDEN struct heap heap_common;

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
 * The magazine of the class whose code this is, as the hit paths reach it: a
 * heap begins with its magazines, and a code counts words.
 */
static ALWAYS_INLINE struct magazine *heap_magazine(struct heap *heap,
						    size_t code)
{
	return (struct magazine *)&((uintptr_t *)heap)[code];
}

_Static_assert(sizeof(struct magazine) == ENTRY_CLASS_SCALE * 8 &&
		       offsetof(struct heap, magazines) == 0,
	       "a code finds its magazine by the scale of 8");

/*
 * The hit path of malloc: a block of the class of CODE, or NULL if the magazine
 * is empty.
 */
static ALWAYS_INLINE void *heap_pop(size_t code)
{
	void ***top = &heap_magazine(heap_mine, code)->top;
	void *block = load_relaxed(top)[-1];
	if (LIKELY(block != NULL))
		add_words_unsplit(top, -1);
	return block;
}

/*
 * The hit path of free: true if BLOCK was put on a magazine. False if anything
 * is out of the ordinary: another thread's block, a large one, a foreign
 * pointer, NULL, an address at which no block starts, a full magazine, one of
 * the two blocks that were freed last.
 */
static ALWAYS_INLINE bool heap_push(void *block)
{
	const struct region *region = &regions[0];
	size_t slice = region_slice(region, (uintptr_t)block);
	if (UNLIKELY(slice >= load_operand(&region->n_slices)))
		return false;
	struct heap *heap = heap_mine;
	size_t code = region_entry(region, slice) ^ heap->key;
	/* Keeps the compiler from comparing a copy of it. */
	__asm__("" : "+r"(code));
	if (UNLIKELY(code >= class_code(N_CLASSES)))
		return false;
	struct magazine *magazine = heap_magazine(heap, code);
	/* One address for all its fields, not one of the heap for each. */
	__asm__("" : "+r"(magazine));
	if (UNLIKELY(!magazine_is_start(magazine->multiplier, magazine->most,
					(uintptr_t)block)))
		return false;
	/* Before the limit: see theft in heap/magazine.h. */
	void **top = load_acquire(&magazine->top);
	if (UNLIKELY(top >= load_operand(&magazine->limit)))
		return false;
	if (UNLIKELY(load_operand(&top[-1]) == block ||
		     load_operand(&top[-2]) == block))
		return false;
	store_relaxed(top, block);
	add_words_unsplit(&magazine->top, 1);
	return true;
}

/*
 * A block for a request of N bytes in CLASS when the magazine had none. NULL if
 * the OS refuses.
 */
void *heap_refill(uint32_t class, size_t n);

/*
 * A block of CLASS of which the first N bytes are zero: from memory that is so
 * anyway, as far as may be.
 */
void *heap_take_zeroed(uint32_t class, size_t n);

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

/* The calling thread's heap, now and then: what it has at hand and did not use
 * since the last time goes back. */
void heap_tick(struct heap *heap);

/* Empties the magazines, or one, of a heap that the caller has locked: his own,
 * or one whose thread does not run. */
void heap_empty_magazines_locked(struct heap *heap);
void heap_empty_magazine_locked(struct heap *heap, uint32_t class);

/* Makes room in the magazine of CLASS, which is full, of the calling thread's
 * heap, which is locked; false if it has none. */
bool heap_make_room_locked(struct heap *heap, uint32_t class);

/* Of a heap whose thread may sleep or run, and which the caller has locked:
 * takes what lies in its magazines back to the pools, by theft. */
void heap_rob_locked(struct heap *heap);

#endif
