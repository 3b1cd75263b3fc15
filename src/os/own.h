/*
 * own: memory of tarn's own, in which no block has ever been, given back.
 *
 * Quiet: nobody else need see it go, so these may be called with locks held.
 * What holds blocks is purged and unmapped by os/memory.h, and by no lock's
 * holder.
 */
#ifndef TARN_OS_OWN_H
#define TARN_OS_OWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BYTES that processes share that are made of this one: of the file FD, or with
 * -1 of none. NULL: refused. */
void *os_map_own_shared(size_t bytes, long fd);

/* BYTES of the file FD from AT on, to read. NULL: refused. */
const void *os_map_own_file(long fd, size_t at, size_t bytes);

/* os/memory.h gives it back: os_unmap_own, os_purge_own. */

#endif
