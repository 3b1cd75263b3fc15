/*
 * missing: memory that a copy of a process did not get.
 *
 * madvise(2) keeps it from forks. It is read from the original, which goes on:
 * at once, so that little has changed there since the copy was made.
 */
#ifndef TARN_TRACE_MISSING_H
#define TARN_TRACE_MISSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/read.h"
#include "trace/snapshot.h"

struct missing_word {
	uintptr_t at;
	uintptr_t word;
};

/* Each part is twice as large as the one before. */
#define MISSING_PARTS 16

struct missing {
	struct snapshot *snapshot;
	struct missing_word *parts[MISSING_PARTS];
	size_t n_parts;
	size_t n; /* in the last */
	bool has_failed;
	uint64_t n_bytes;      /* looked at */
	uint64_t unread_bytes; /* could not be */
};

/*
 * Reads it; of its words those are kept that may point into the heap. false if
 * there is no memory for that. MISSING is all zero but for `snapshot`; STATE to
 * STATE_END is what the copy has mapped besides the snapshot's work.
 */
bool missing_read(struct missing *missing, struct os_reader *reader,
		  uintptr_t state, uintptr_t state_end);

/* Calls VISIT with each word that was kept, and where it stood. */
void missing_visit(const struct missing *missing,
		   void (*visit)(void *context, uintptr_t at, uintptr_t word),
		   void *context);

#endif
