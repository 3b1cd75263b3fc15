/*
 * magazine: a thread's stack of pointers to free blocks of one size class.
 *
 *	array      blocks                     top           limit
 *	| head | NULL | block | ... | block   | not used ... |
 *
 * The NULL below the first block says, read as a block, that the magazine is
 * empty; top >= limit says that it is full. There is no count, and no test for
 * a magazine that does not exist: that one is empty and full at once.
 *
 * Owner: the thread, without a lock: what malloc and free do when all goes well
 *        is in heap/heap.h. All else is done under the heap's lock, by the
 *        thread itself or, in theft, by another.
 *
 * Theft. A thread that sleeps, or only hits its magazines, keeps what is in
 * them, and its hit paths bear no instruction for the good of others. So who
 * wants those blocks needs no consent. malloc and free change `top` by one
 * instruction each that adds to memory: no signal and no change of threads
 * splits it. Let T be the top that the thief finds, under the heap's lock:
 *
 *	1. thief	limit = NULL; then top: T -> NOWHERE, atomically
 *	2. thief	makes every thread of the process pass a barrier
 *	3. thief	looks at top
 *
 * Where the owner was inside its instruction in step 1, that stored the T of
 * before, plus or minus one, over the thief's: the thief sees it in step 3,
 * puts the limit back, and has done nothing. Else top is near NOWHERE for good:
 * there malloc reads NULL, and every free is beyond the limit, so the owner
 * goes to its slow paths, which take the lock. What it may still be in the
 * middle of, for as long as it sleeps, is one operation that had read T:
 *
 *	malloc	it returns the block below T; then top == NOWHERE - 1
 *	free	it writes its block to T; then top == NOWHERE + 1
 *
 * So the thief takes all blocks but the one below T, leaves cell T alone, and
 * leaves `top` to tell the owner's next slow path (magazine_regain_locked)
 * which of the three it was: nothing, malloc, or free. The array stays the
 * owner's, and only the owner puts top and limit back: a free that had read
 * `top` near NOWHERE, and then reads a limit that another put back, would write
 * there. For the same reason free reads `top` before `limit`, and the limit
 * goes first in step 1. tests/model/theft.pml proves it, and what breaks
 * without each of these.
 */
#ifndef TARN_HEAP_MAGAZINE_H
#define TARN_HEAP_MAGAZINE_H

#include "base/atomic.h"
#include "base/attr.h"
#include "heap/size_class.h"

#define MAGAZINE_LOG_MAX 12 /* 4094 blocks */

/* The first magazine of a class has room for so many bytes, but for 6 blocks at
 * most, and 2 at least. */
#define MAGAZINE_LOG_FIRST_MAX 3
#define MAGAZINE_FIRST_BYTES ((size_t)4096)

struct magazine {
	/* Owner thread only, but for theft; of `limit` NULL: no room. */
	void **top;
	void **limit;
	/* Guarded by the heap's lock. */
	void **blocks;
	/* Fixed at creation: which offsets of a slice are a slot's start, see
	 * magazine_is_start(). */
	uint32_t multiplier;
	uint32_t most;
};

/* Where `top` is if there is no block: NULLs are below it and around. */
extern HIDDEN void *const magazine_nowhere[3];
#define MAGAZINE_NOWHERE ((void **)&magazine_nowhere[2])

/* How many blocks a magazine of 2^LOG words holds; 0 for the one that does not
 * exist, whose log is 0. */
static inline uint32_t magazine_capacity(unsigned log)
{
	return log == 0 ? 0 : (1u << log) - 2;
}

/* log2 of the words of the first magazine of CLASS. */
unsigned magazine_log_first(uint32_t class);

/*
 * True if a slot can start at ADDRESS, which lies in a pool of the magazine's
 * class; always of classes whose pools have several slices. By Lemire,
 * Kaser, Kurz, "Faster remainder by direct computation" (2019): of all offsets
 * x below 2^16, just the multiples of d have x * ceil(2^32 / d) mod 2^32 below
 * ceil(2^32 / d).
 */
static ALWAYS_INLINE bool magazine_is_start(uint32_t multiplier, uint32_t most,
					    uintptr_t address)
{
	return (uint32_t)(uint16_t)address * multiplier <= most;
}

/* The magazine of CLASS that does not exist. */
struct magazine magazine_absent(uint32_t class);

/* True if it has an array, of which a thief may have taken the blocks. */
static inline bool magazine_exists(const struct magazine *magazine)
{
	return magazine->blocks != MAGAZINE_NOWHERE;
}

unsigned magazine_log(const struct magazine *magazine);

/*
 * The blocks that are surely free, *N of them from the pointer returned on,
 * robbed or not. The heap is locked; where its owner runs, they are those of a
 * moment ago.
 */
void **magazine_free_blocks(const struct magazine *magazine, uint32_t *n);

/* How many blocks it has: the owner, or who knows that it does not run. */
static inline uint32_t magazine_count(const struct magazine *magazine)
{
	uint32_t n;
	magazine_free_blocks(magazine, &n);
	return n;
}

/*
 * An array of 2^LOG words for MAGAZINE, which takes over what the old one,
 * which is discarded, holds; that must fit. False if the OS refuses. LOG 0
 * makes it one that does not exist; it must be empty. The owner, heap locked.
 */
bool magazine_resize_locked(struct magazine *magazine, unsigned log);

/*
 * Undoes a theft, so that top and limit are the array's. The owner, heap
 * locked, before anything else of the magazine is looked at; or who knows that
 * it has ended.
 */
void magazine_regain_locked(struct magazine *magazine);

/*
 * Steps 1 and 3 of a theft, of a magazine that is worth it: the first is false
 * if it is not (any more). Of the second the caller gets *N blocks that are now
 * his. In between it makes all threads pass a barrier; HAS_PASSED says that
 * this worked. The heap is locked until the blocks are somewhere else.
 */
bool magazine_is_worth_robbing(const struct magazine *magazine);
bool magazine_rob_locked(struct magazine *magazine);
void **magazine_robbed_locked(struct magazine *magazine, bool has_passed,
			      uint32_t *n);

#endif
