/*
 * generations: traces that cost what was allocated and written since the last,
 * not what the heap holds.
 *
 * A block's generation is how many traces it has lived through: young until the
 * first, middle until a trace of the middle generation, old then. A trace of a
 * generation judges the blocks of this one and of those below; that of the old
 * judges all.
 *
 * A young trace looks at all roots, at the old blocks on pages that were
 * written since the last trace, and from there at young blocks. What of an old
 * block lies in other pages cannot have been made to point to a young one,
 * because that did not exist when the page was written last. But a word may
 * have pointed to the address before, to a block that was freed since or to
 * none, and a trace of the whole heap would find the young block there held by
 * it. So that a young trace never says more than a full one:
 *
 * Law: after each trace every word in a live block that points into the heap
 *      points to a block that was live at this trace, or to a claimed address
 *      (trace/claims.h). A block at a claimed address is not judged but by the
 *      next full trace: it counts as reached.
 *
 *	full trace      all words are looked at; claimed are the addresses where
 *	                no block is live
 *	young trace     words that are looked at: the same. Others have not
 *	                changed; what they point to was live at the last trace,
 *	                and is still, or has died and all of it is claimed
 *
 * Looked at are, besides written pages, all blocks that were not live at the
 * last trace: those that are judged when they are reached or, for this alone,
 * when they are lost; those at claimed addresses in any case, for their pages
 * may have been written, and asked for, while they were free.
 *
 * What follows: a young trace does not judge a block at an address where a
 * block was live at any trace since the last full one. That and what old
 * garbage holds is for the next full trace to find. The first trace is full,
 * and so is one after a trace that failed or could not stop the threads, and
 * each where the kernel does not tell what was written.
 *
 * The same holds for middle traces with those of middle and old for all, but
 * that they share what is claimed with the young.
 *
 * Locks: the tracer's, which the callers have; in a trace all locks of the heap
 * besides, and the world is stopped.
 */
#ifndef TARN_TRACE_GENERATIONS_H
#define TARN_TRACE_GENERATIONS_H

#include "trace/mark.h"

enum generation {
	GENERATION_YOUNG,
	GENERATION_MIDDLE,
	GENERATION_OLD,
	N_GENERATIONS,
};

/* One trace, as far as generations go. */
struct generation_look {
	/* Asked. */
	enum generation generation;
	bool only_new; /* findings for blocks that no trace has found before */
	/* Told. */
	enum generation judged; /* old if the trace was full */
	bool is_blind;		/* the kernel does not tell what was written */
	uint64_t judged_blocks;
	uint64_t new_blocks, new_bytes; /* found lost, not by a trace before */
	uint64_t written_pages;
	/* Of the trace. */
	bool is_kept;	   /* the next may rely on this one */
	uint64_t *lost;	   /* all that is, of what is judged */
	uint64_t *old_set; /* live then and now */
};

/*
 * With the world stopped, before the roots are looked at, when MARK is ready
 * and it is known which runs are guarded: takes what was written, and says what
 * is judged and what of the heap counts as reached. IS_STOPPED: all threads
 * are. false if there is no memory.
 */
bool generations_begin(struct generation_look *look, struct mark *mark,
		       bool is_stopped);

/* When all is marked: leaves in mark->unreached what there are to be findings
 * for. */
void generations_judge(struct generation_look *look, struct mark *mark);

/* When the trace is done: keeps what the next needs. */
void generations_end(struct generation_look *look, struct mark *mark);

/* All blocks of SNAPSHOT are roots from now on, and not judged. false if there
 * is no memory. */
bool generations_freeze(const struct snapshot *snapshot);
void generations_unfreeze(void);

/* How many are, as of the last trace. */
uint64_t generations_frozen(void);

/* As if there had been no trace yet, and gives back all memory but what is
 * frozen; after a fork, in the child, the kernel has to be asked anew. */
void generations_forget(bool is_child);

/* What is kept here is no root. */
void generations_visit_memory(void (*visit)(void *context, uintptr_t at,
					    size_t bytes),
			      void *context);

#endif
