/*
 * purge: giving pages to the OS, by calls that others may hook.
 *
 * No lock is held then: see the law in src/README.md.
 */
#ifndef TARN_HEAP_PURGE_H
#define TARN_HEAP_PURGE_H

#include "base/attr.h"

/* Gives the pages of what the caller alone has to the OS; they read as zeros
 * then. False if the OS refuses. */
bool purge_pages(uintptr_t at, size_t bytes);

/*
 * Around each call that others may hook: the thread may come to malloc, or to
 * fork, in the middle of what it is doing.
 */
void purge_begin_loud(void);
void purge_end_loud(void);

/*
 * False where others watch (os/watched.h), unless the call is one of which
 * anybody knows that it may unmap: free and realloc of a large block,
 * malloc_trim. In all others the caller may hold the very lock that the watcher
 * takes.
 */
bool purge_may_be_loud(void);

/* True if the calling thread is in such a call. */
bool purge_is_loud(void);

/* Totals since the start, for people. */
uint64_t purge_total_bytes(void);
uint64_t purge_total_calls(void);

#endif
