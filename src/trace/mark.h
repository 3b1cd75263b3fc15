/*
 * mark: what is reached from the roots, and how surely.
 *
 * Law: `unreached` is a subset of `live`; a block leaves it once, enters
 *      `pending`, and leaves that when its words have been looked at.
 *
 * A word that points to the start of a block (or to within its first 8 bytes:
 * a tag) reaches it. One that points further inside is a hint, and so is one in
 * a root that points past a block's last byte. Hints count only in the end, for
 * blocks that nothing reached.
 *
 * Past the last byte of one block starts the next, so that every pointer to a
 * block is a hint for its neighbour. A block held by its end alone is one that
 * a loop runs down through, from a register or a frame: in the heap such words
 * are not hints.
 */
#ifndef TARN_TRACE_MARK_H
#define TARN_TRACE_MARK_H

#include "os/read.h"
#include "trace/snapshot.h"

struct mark {
	struct snapshot *snapshot;
	struct os_reader *reader;
	uint64_t *unreached;
	uint64_t *pending;
	uint64_t *interior; /* hints: pointers to the inside */
	uint64_t *past_end; /* hints: pointers past the end */
	/* Runs with pending blocks, each once: a ring. */
	uint32_t *queue;
	uint32_t queue_first;
	uint32_t queue_length;
	bool hints_count;    /* reach what they point to */
	struct side *claims; /* see trace/claims.h; NULL: no claims are noted */
	uint64_t heap_bytes; /* looked at */
	uint64_t unread_bytes; /* could not be */
};

bool mark_begin(struct mark *mark, struct snapshot *snapshot,
		struct os_reader *reader);

/* Looks at N words at WORDS, which are not those of a block. */
void mark_words(struct mark *mark, const uintptr_t *words, size_t n);

/* Reaches the block that WORD points into, wherever it points. */
void mark_word(struct mark *mark, uintptr_t word);

/* Reaches the block with this bit in RUN, also if it was not to be judged. */
void mark_reach(struct mark *mark, struct trace_run *run, uint64_t bit);

/* Looks at the BYTES from AT, which lie in a block of RUN. */
void mark_part(struct mark *mark, const struct trace_run *run, uintptr_t at,
	       size_t bytes);

/* Looks at the blocks that were reached, until none are left. */
void mark_all(struct mark *mark);

/* Reaches every block with a hint, and what they lead to. */
void mark_hinted(struct mark *mark);

/* Copies `unreached` as it is now; TO is all zero before. */
void mark_copy(const struct mark *mark, uint64_t *to);

#endif
