/*
 * work: a mapping for each piece.
 */
#include "trace/work.h"

#include "base/arith.h"
#include "os/memory.h"
#include "os/own.h"

/* Searches jump about in large pieces: few, large pages are faster by far. */
#define HUGE_BYTES_MIN ((size_t)32 << 20)

void *work_take(struct work *work, size_t n, size_t bytes)
{
	size_t all;
	void *at = NULL;
	if (multiply_fits(max_size(n, 1), bytes, &all) &&
	    work->n_pieces < WORK_PIECES_MAX) {
		all = round_up(all, os_page_bytes());
		at = os_map(all);
		if (at != NULL && all >= HUGE_BYTES_MIN)
			os_prefer_huge_pages((uintptr_t)at, all);
	}
	if (at == NULL) {
		work->has_failed = true;
		return NULL;
	}
	work->pieces[work->n_pieces++] =
		(struct work_piece){(uintptr_t)at, all};
	return at;
}

void work_give_last(struct work *work, uint32_t n)
{
	while (n-- > 0) {
		struct work_piece piece = work->pieces[--work->n_pieces];
		os_unmap_own(piece.at, piece.bytes);
	}
}

void work_end(struct work *work)
{
	work_give_last(work, work->n_pieces);
}
