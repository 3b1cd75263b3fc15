/*
 * barrier: making every thread of the process pass a memory barrier.
 *
 * membarrier(2), MEMBARRIER_CMD_PRIVATE_EXPEDITED. Raw system calls.
 */
#ifndef TARN_OS_BARRIER_H
#define TARN_OS_BARRIER_H

#include <stdbool.h>

/* Once, early: with more threads it takes the kernel milliseconds. */
void os_barrier_prepare(void);

/*
 * True if it may be asked for: the kernel can, and no filter of system calls
 * has come since, which might end the process for one that it does not know.
 */
bool os_barrier_is_possible(void);

/* When it returns true, each thread that runs has passed a full barrier, and no
 * instruction of one that had begun before is still half done. */
bool os_barrier(void);

#endif
