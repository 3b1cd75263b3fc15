/*
 * read: a recording, checked and laid out for replay.
 */
#ifndef BENCH_REPLAY_READ_H
#define BENCH_REPLAY_READ_H

#include <stdint.h>

#include "replay/format.h"

/* One operation, 16 bytes: as many as possible in a line of the cache. */
struct operation {
	uint32_t block;
	uint32_t size_bytes;
	uint32_t turn; /* the how-manieth of this block's operations it is */
	uint8_t kind;
	uint8_t log2_align;
	uint16_t starts; /* 1 + the thread that is started after it, or 0 */
};

struct thread_part {
	struct operation *operations;
	uint64_t n;
};

struct recording {
	struct rec_header header;
	struct thread_part threads[REC_THREADS_MAX];
	uint32_t *last_size; /* of blocks live at the end, else 0 */
};

/*
 * Reads the file NAME, at most LIMIT operations of it, into mapped memory. Ends
 * the program with status 2 and a message if it is not a whole recording.
 */
void read_recording(const char *name, uint64_t limit,
		    struct recording *recording);

#endif
