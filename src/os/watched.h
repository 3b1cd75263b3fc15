/*
 * watched: whether another object sees what tarn gives to the kernel.
 */
#ifndef TARN_OS_WATCHED_H
#define TARN_OS_WATCHED_H

#include <stdbool.h>

/*
 * True if munmap, madvise or mremap, as os/memory.h calls them, are not libc's:
 * somebody watches memory go, perhaps under a lock of his own, which a thread
 * that calls malloc may hold. Quiet, lock-free.
 */
bool os_is_watched(void);

#endif
