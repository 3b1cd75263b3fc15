/*
 * store: memory for tarn's own metadata, apart from the blocks of the program.
 *
 * What is taken is never given back: descriptors keep their type for good, so a
 * thread that holds an old pointer to one reads an old descriptor, not
 * something else. Each chunk has an inaccessible page before and after it.
 */
#ifndef TARN_META_STORE_H
#define TARN_META_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * BYTES of zeros at a multiple of ALIGN, a power of two up to 4 KiB. NULL if
 * the OS refuses. Thread-safe: takes the lock of rank LOCK_STORE.
 */
void *store_take(size_t bytes, size_t align);

/* What the store has mapped: bytes in use or ready for it, and guard pages. */
struct store_size {
	size_t writable_bytes;
	size_t guard_bytes;
};

/* The caller holds store_lock. */
struct store_size store_size_locked(void);

/* Calls VISIT with each chunk, guard pages included; store_lock is held. */
void store_visit_locked(void (*visit)(void *context, uintptr_t at,
				      size_t bytes),
			void *context);

struct lock;
extern struct lock store_lock;

#endif
