/*
 * arena_grow: more slices from the OS, or none. Quiet; the caller holds
 * arena_lock.
 */
#ifndef TARN_HEAP_ARENA_GROW_H
#define TARN_HEAP_ARENA_GROW_H

#include "base/attr.h"
#include "meta/region.h"

/*
 * Maps so much that N slices at a multiple of ALIGN bytes are free after: from
 * *AT in *REGION. False if the OS refuses.
 */
bool arena_grow_locked(size_t n, size_t align, struct region **region,
		       size_t *at);

/* The same for slices that follow the end of REGION at once. */
bool arena_grow_end_locked(struct region *region, size_t n);

/*
 * N slices in use that are not mapped, for what comes by mremap: where a limit
 * lets nothing be mapped that is only to be replaced. Sets *REGION and *AT.
 */
bool arena_take_unmapped_locked(size_t n, struct region **region, size_t *at);

/* Maps N slices anew that are in use but unmapped now; they become free. */
void arena_map_anew_locked(struct region *region, size_t at, size_t n);

/* The same for slices of which nobody knows whether they are still mapped. */
void arena_restore_locked(struct region *region, size_t at, size_t n);

/* How many arenas were mapped so far. */
size_t arena_grow_count_locked(void);

#endif
