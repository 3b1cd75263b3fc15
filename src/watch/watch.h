/*
 * watch: noting where blocks are allocated.
 *
 * Off by default, and then nothing is here for malloc to pass. Else a watched
 * block is one whose pool has a word for each slot (or that is large): its
 * site. What stands there counts only while the block is live, so that freeing
 * need not touch it.
 *
 *	all      every pool has sites, magazines are bypassed: each malloc comes
 *	         here, and is padded by a byte, so that no pointer to a block is
 *	         one past the end of another
 *	sampled  one block in so many bytes comes from a heap that nobody owns,
 *	         whose pools alone have sites
 */
#ifndef TARN_WATCH_WATCH_H
#define TARN_WATCH_WATCH_H

#include "base/attr.h"

struct heap;

/* In the word of a slot, above the site: the program has said that this is no
 * leak. */
#define WATCH_IGNORED (UINT32_C(1) << 31)

enum watch_mode {
	WATCH_OFF,
	WATCH_IGNORING, /* only blocks that are to be ignored are noted; and
			   when the time of watch_for is over */
	WATCH_SAMPLED,
	WATCH_ALL,
};

/* Fixed at the start, but that the first becomes the second, and either
 * WATCH_SAMPLED for a time. Atomic, relaxed: whoever sees it late notes a few
 * blocks more, or fewer. */
extern HIDDEN enum watch_mode watch_mode;

/* To be called once the options are known, while there is one thread. */
void watch_start(void);

/* WIRE_SITES_... as the mode is. */
uint32_t watch_flags(void);

/* One block in so many bytes has a site; 0 unless sites are sampled. */
uint64_t watch_sample_bytes(void);

/*
 * Sites are sampled for MS milliseconds from now on, and more closely than by
 * the option; 0 ends that. Does nothing where sites are noted already. Safe in
 * signal handlers.
 */
void watch_for(uint32_t ms);

/* What must be asked of the heap for a request of SIZE bytes. */
static inline size_t watch_padded(size_t size)
{
	return size + (watch_mode == WATCH_ALL);
}

/* Notes the site of BLOCK, just taken from the heap: the stack of the
 * caller. */
void watch_note(void *block);

/*
 * When sites are sampled: a block of CLASS, its site noted, if it is the turn
 * of one; else NULL. To be asked before the heap is: it steers which block that
 * will be.
 */
void *watch_take_sampled(uint32_t class);

/* True if this large block is to be noted. */
bool watch_is_large_due(struct heap *heap, size_t size);

/* The blocks that the calling thread allocates are ignored by the tracer until
 * as many calls with false. */
void watch_ignore(bool ignore);

/* The word of BLOCK's slot; NULL if it has none. BLOCK is live. */
uint32_t *watch_word(const void *block);

#endif
