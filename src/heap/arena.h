/*
 * arena: runs of slices, obtained from the OS in arenas and given back by time.
 *
 * All of it is guarded by arena_lock and shared by the process: pools and large
 * blocks take runs of slices here and give them back. A run given back keeps
 * its pages for a while (it is `dirty`) and is taken again before new memory is
 * touched, lowest addresses first. Runs coalesce by themselves: free slices are
 * bits.
 */
#ifndef TARN_HEAP_ARENA_H
#define TARN_HEAP_ARENA_H

#include "base/attr.h"
#include "meta/region.h"

/* No run is longer, nor its alignment: 32 TiB. */
#define RUN_SLICES_MAX ((size_t)1 << 29)

struct lock;
extern struct lock arena_lock;

/*
 * A run of N slices at a multiple of ALIGN bytes (a power of two; at least a
 * slice is always given). NULL if the OS refuses, also after every free slice
 * was unmapped to make room under a limit. The caller describes the slices in
 * the page map.
 */
void *arena_take(size_t n_slices, size_t align);

/*
 * True if every page of the run at BASE reads as zeros; for a run just taken.
 */
bool arena_is_clean(const void *base, size_t n_slices);

/* Clears what is not zero of the first BYTES of a run just taken. */
void arena_clear(void *base, size_t bytes);

/* Takes the run back. The caller has cleared its page map entries. */
void arena_give(void *base, size_t n_slices);

/* The same for a run that the caller has purged. */
void arena_give_clean(void *base, size_t n_slices);

/* The start of the run in use that ADDRESS lies in; 0 if it lies in none. */
uintptr_t arena_run_start(uintptr_t address);

/* Makes the run MORE slices longer where it is; false if it cannot. */
bool arena_extend(void *base, size_t n_slices, size_t more);

/*
 * Moves the pages of a run to another place of N_NEW slices (more than N)
 * without copying. The old place is free after. NULL if it cannot, and nothing
 * was changed.
 */
void *arena_move(void *base, size_t n_slices, size_t n_new);

/*
 * Unmaps every free slice, so that a limit counts only what is in use. True if
 * there were any.
 */
bool arena_unmap_free(void);

/*
 * Gives pages of free slices back to the OS: those that were free for a whole
 * tick, or with ALL every one. About LIMIT bytes at most; true if none are left
 * to give back now. *PURGED counts the bytes.
 */
bool arena_purge(bool all, size_t limit, size_t *purged);

/* What was dirty and free at the last tick is old enough to be purged now. */
void arena_age(void);

/* Free slices with pages behind them. Relaxed: a number to compare. */
size_t arena_cached_bytes(void);

struct arena_counts {
	size_t n_arenas;
	size_t n_mapped_slices;
	size_t n_free_slices;
	size_t n_cached_slices;
};

/* The caller holds arena_lock. */
struct arena_counts arena_count_locked(void);

/*
 * Calls VISIT for each run in use: its first slice and how many there are. The
 * caller holds arena_lock.
 */
typedef void arena_visitor(void *context, struct region *region, size_t slice,
			   size_t n_slices);
void arena_visit_locked(arena_visitor *visit, void *context);

/*
 * Calls VISIT with each stretch of mapped slices. The caller holds arena_lock.
 */
void arena_visit_mapped_locked(void (*visit)(void *context, uintptr_t at,
					     size_t bytes),
			       void *context);

/* Proves the laws of the slices. The caller holds arena_lock. */
void arena_check_locked(void);

#endif
