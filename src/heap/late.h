/*
 * late: mistakes of the program that are noticed in a batch, under a lock.
 *
 * What is wrong is left out of the batch, so the heap stays whole, and is told,
 * with abort(), by whoever next has no lock: a handler of SIGABRT may allocate.
 */
#ifndef TARN_HEAP_LATE_H
#define TARN_HEAP_LATE_H

#include "base/atomic.h"
#include "base/attr.h"
#include "heap/pool.h"

/* Keeps the mistake, unless there is one already: ADDRESS, in the block of
 * BLOCK_BYTES at START, was freed. Any thread, any locks. */
void late_note(enum pool_put_result mistake, uintptr_t address, uintptr_t start,
	       uint32_t block_bytes);

/* Atomic, relaxed: the address of the mistake that was kept; 0: none. */
extern HIDDEN uintptr_t late_address;

_Noreturn void late_abort(void);

/* To be called by slow paths, without locks. */
static inline void late_tell(void)
{
	if (UNLIKELY(load_relaxed(&late_address) != 0))
		late_abort();
}

#endif
