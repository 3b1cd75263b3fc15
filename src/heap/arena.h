/*
 * arena: runs of slices, obtained from the OS in arenas and given back by time.
 *
 * All of it is guarded by arena_lock and shared by the process: heaps take runs
 * of slices here, several at a time, and give them back. A run given back keeps
 * its pages for a while (it is `dirty`) and is taken again before new memory is
 * touched, lowest addresses first. Runs coalesce by themselves: free slices are
 * bits.
 *
 * A function is quiet or loud. A quiet one calls nothing that another object
 * can interpose, and may be called under any lock of lower rank. A loud one
 * calls munmap and mremap by libc's names, so that others who watch memory go
 * (hooks of registration caches) see it: it is called with no lock of tarn's
 * held, for slices that the caller holds, and takes arena_lock only around the
 * calls. A hook may call malloc and free.
 */
#ifndef TARN_HEAP_ARENA_H
#define TARN_HEAP_ARENA_H

#include "base/attr.h"
#include "meta/region.h"

/* No run is longer, nor its alignment: 32 TiB. */
#define RUN_SLICES_MAX ((size_t)1 << 29)

/* So many runs in other places than they were mapped at, at most. */
#define MOVED_RUNS_MAX 1000

struct run {
	uintptr_t base;
	size_t n_slices;
};

struct lock;
extern struct lock arena_lock;

/*
 * Quiet. A run of N slices at a multiple of ALIGN bytes (a power of two; at
 * least a slice is always given). NULL if the OS refuses: then arena_make_room
 * may help. The caller describes the slices in the page map.
 */
void *arena_take(size_t n_slices, size_t align);

/*
 * Quiet. Takes up to N runs of N_SLICES each; BASES gets their addresses.
 * Returns how many: at least one, with pages if such are soon found, and fewer
 * than N rather than another arena. 0 if the OS refuses.
 */
size_t arena_take_some(size_t n_slices, size_t n, uintptr_t *bases);

/*
 * Quiet. Takes N runs back, or the tails of runs. The caller has cleared their
 * page map entries; if not IS_DIRTY, it has purged them.
 */
void arena_give_some(const struct run *runs, size_t n, bool is_dirty);

/*
 * Quiet, without a lock. True if every page of the run at BASE reads as zeros;
 * for a run just taken.
 */
bool arena_is_clean(const void *base, size_t n_slices);

/* The same; how many of its slices do. */
size_t arena_count_clean(const void *base, size_t n_slices);

/* Quiet. Clears what is not zero of the first BYTES of a run just taken. */
void arena_clear(void *base, size_t bytes);

/*
 * Quiet. Copies BYTES between two runs that the caller holds, without touching
 * pages that are zero in both: what was never written costs no memory at its
 * new place either.
 */
void arena_copy(void *to, const void *from, size_t bytes);

/*
 * Quiet, without a lock; for a run that the caller holds. True if pages in it
 * came by arena_move: such a run goes back by arena_give_moved.
 */
bool arena_is_moved(const void *base, size_t n_slices);

/*
 * Loud. Takes such a run back: unmaps it and maps the place anew, so that it
 * makes one mapping with its neighbours. Sets and clears the page map entry of
 * the first slice; the caller has cleared the others.
 */
void arena_give_moved(void *base, size_t n_slices);

/*
 * Quiet. The start of the run in use that ADDRESS lies in, and how long it is;
 * 0 if it lies in none. N_SLICES may be NULL.
 */
uintptr_t arena_run_start(uintptr_t address, size_t *n_slices);

/* Quiet. Makes the run MORE slices longer where it is; false if it cannot. */
bool arena_extend(void *base, size_t n_slices, size_t more);

/*
 * Loud. Moves the pages of a run to another place of N_NEW slices (at least
 * N_SLICES) without copying. DESCRIBE is told the new place before any page
 * moves, so that the page map knows it: who stops the process in between finds
 * the pages in one of the two. The old place is free after. NULL if it cannot
 * be done, and the run is as it was; then DESCRIBE is told NULL if it has been
 * told a place, with arena_lock held. Refuses where there are MOVED_RUNS_MAX
 * moved runs.
 */
void *arena_move(void *base, size_t n_slices, size_t n_new,
		 void (*describe)(void *context, void *target), void *context);

/*
 * Quiet. Takes free runs with pages behind them: those that were free for a
 * whole tick, or with ALL any; up to N_MAX runs and about MAX_BYTES. The caller
 * purges them and gives them back. Returns how many: 0 if there are none.
 */
size_t arena_take_dirty(bool all, size_t max_bytes, struct run *runs,
			size_t n_max);

/* Quiet. A tick: what is dirty and free now is old enough at the next. */
void arena_age(void);

/* Quiet, without a lock. Free slices with pages: a number to compare. */
size_t arena_cached_bytes(void);

/* The same of all that is free, and of what is in use. */
size_t arena_free_bytes(void);
size_t arena_in_use_bytes(void);

/*
 * Quiet, two system calls at most. False if nothing that could be given back
 * can help when arena_take has refused such a run: it would not be there even
 * if every slice mapped now were unmapped.
 */
bool arena_could_make_room(size_t n_slices, size_t align);

/*
 * Loud. To be called when arena_take has refused such a run: unmaps free
 * slices, so that a limit lets it be mapped, if that can help. True if any were
 * unmapped. Nothing is lost where the run is impossible.
 */
bool arena_make_room(size_t n_slices, size_t align);

/*
 * Loud. Where runs have moved, mappings that lie side by side may stay apart
 * for good: unmaps what is free, if any has moved since the last such call.
 */
void arena_unmap_after_moves(void);

struct arena_counts {
	size_t n_arenas;
	size_t n_mapped_slices;
	size_t n_free_slices;
	size_t n_cached_slices;
	size_t n_moved_runs;
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

/*
 * In the child of a fork, with arena_lock held: every run in use that IS_KEPT
 * does not claim becomes free and dirty. Runs that were leaving stay.
 */
void arena_reclaim_locked(bool (*is_kept)(void *context, struct region *region,
					  size_t slice, size_t n_slices),
			  void *context);

/* Proves the laws of the slices. The caller holds arena_lock. */
void arena_check_locked(void);

#endif
