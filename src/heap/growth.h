/*
 * growth: how much more is handed out than before, for whoever wants to do
 * something when it is much (src/api/collect.c).
 *
 * What goes to magazines and in large blocks counts as handed out, what comes
 * back to the bitmaps as given back; both by batches, so that no hit path
 * counts anything. Each heap has a sum of its own, under its lock; decay_poll
 * adds that of its thread to the whole when somebody wants to know.
 */
#ifndef TARN_HEAP_GROWTH_H
#define TARN_HEAP_GROWTH_H

#include "heap/heap.h"

/*
 * Called by slow paths, without locks, when the sum has grown by
 * conf.collect_bytes, or after conf.collect_ms. The calling thread has a heap.
 * Atomic, relaxed; set once.
 */
extern HIDDEN void (*growth_due)(void);

/* N blocks of BYTES were handed out, or with a negative number given back. The
 * heap is locked. */
static inline void growth_note_locked(struct heap *heap, int64_t n,
				      size_t bytes)
{
	heap->grown_bytes += n * (int64_t)bytes;
}

/* Looks whether it is time for growth_due. NOW is os_now_ms(). */
void growth_poll(struct heap *heap, uint64_t now);

/* By how much it has grown since the last call of growth_start, and for how
 * long. */
int64_t growth_bytes(void);
uint64_t growth_ms(void);

/* Adds the calling thread's own sum, which has a heap or not. */
void growth_add_own(void);

/* Counts from here. */
void growth_start(void);

#endif
