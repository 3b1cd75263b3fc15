/*
 * share: what one thread may keep in magazines. All threads together have what
 * a few full ones may.
 */
#ifndef TARN_HEAP_SHARE_H
#define TARN_HEAP_SHARE_H

#include "base/attr.h"

/* Bytes that a thread may have room for. */
size_t share_bytes(void);

/* And what all threads together may. */
size_t share_all_bytes(void);

/* What a heap may have to tell before it adds that to a sum of the process: the
 * more heaps, the less, so that all together have little. */
size_t share_step_bytes(void);

/* After freeing so many bytes of others' blocks a thread sees to an owner; if
 * that one's thread has ended, after the least. */
#define SHARE_REMOTE_BYTES_MIN ((size_t)256 << 10)
size_t share_remote_bytes(void);

/* So many heaps have a thread now. */
void share_note_heaps(uint32_t n);

#endif
