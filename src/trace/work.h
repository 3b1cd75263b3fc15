/*
 * work: memory for one trace, from the OS and never from the heap that is
 * traced. All of it is given back at once.
 */
#ifndef TARN_TRACE_WORK_H
#define TARN_TRACE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORK_PIECES_MAX 64

struct work {
	struct work_piece {
		uintptr_t at;
		size_t bytes;
	} pieces[WORK_PIECES_MAX];
	uint32_t n_pieces;
	bool has_failed; /* the OS refused a piece */
};

/*
 * N elements of BYTES, all zero; NULL if the OS refuses. Pages that are not
 * touched cost nothing, so that an upper bound does for N.
 */
void *work_take(struct work *work, size_t n, size_t bytes);

/* Gives back the N pieces taken last. */
void work_give_last(struct work *work, uint32_t n);

void work_end(struct work *work);

#endif
