/*
 * idle: how much free memory keeps its pages, and how much may.
 *
 * Idle is what lies free with pages behind it: in pools, in runs at hand and in
 * the arena (magazines have a bound of their own, see heap.c). What is beyond
 * the bound is purged by the very free that makes it so, which needs neither a
 * thread of ours nor a later call; what is below it waits for the decay.
 *
 * The bound learns. Each byte that was purged because of it and touched anew
 * within a decay raises it by a byte: so a program that frees and takes a
 * gigabyte in turns pays for that once. What then stays unused for a whole
 * decay lowers it again. It is never below IDLE_BYTES_MIN, nor below a share of
 * what is in use, nor above the option `cache`. A heap teaches by what it takes
 * after it has freed as much: of hundreds of threads that work once each takes
 * what another has freed, and nobody wants it again.
 *
 * All of it is a few words of the process, which heaps add to in steps: each
 * has a share that it has not told yet.
 */
#ifndef TARN_HEAP_IDLE_H
#define TARN_HEAP_IDLE_H

#include "base/attr.h"

#define IDLE_BYTES_MIN ((size_t)12 << 20)

struct idle_share {
	/* Guarded by the heap's lock. The first three are not told yet. */
	int64_t bytes;
	int64_t absent_bytes;
	size_t touched_bytes;
	size_t freed_bytes; /* and not yet touched anew */
	size_t first_bytes; /* touched beyond that, to FIRST_BYTES */
};

/* Asks, once, how much memory there is: at the start, before a program has
 * filters of system calls. */
void idle_start(void);

/* BYTES more of the heap's pools and runs are idle. The heap is locked. */
void idle_note_locked(struct idle_share *share, int64_t bytes);

/* BYTES more of what the heap has of the arena have no pages. The heap is
 * locked. */
void idle_note_absent_locked(struct idle_share *share, int64_t bytes);

/* BYTES were freed. The heap is locked. */
static inline void idle_note_freed_locked(struct idle_share *share,
					  size_t bytes)
{
	share->freed_bytes += bytes;
}

/* BYTES that had no pages are about to be used. The heap is locked. */
void idle_note_touched_locked(struct idle_share *share, size_t bytes);

/* True while that is of interest: something was purged because of the bound. */
bool idle_is_learning(void);

/* The same of what is not one heap's. */
void idle_note(int64_t bytes);
void idle_note_touched(size_t bytes);

/* What is idle in pools and runs, and all with what the arena has. */
size_t idle_bytes(void);

/* By how much it is beyond the bound, if MORE_BYTES are added. */
size_t idle_excess_bytes(size_t more_bytes);

/* BYTES that were in memory were purged because of the bound, or because nobody
 * wanted them for a whole decay. */
void idle_note_purged(size_t bytes);
void idle_note_unwanted(size_t bytes);

#endif
