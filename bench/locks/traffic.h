/*
 * traffic: how often the locks that all threads share are taken, for each
 * operation of a kind of work in its steady state.
 *
 * An operation is one call of malloc or free. The work is counted, not timed:
 * no figure here depends on the machine's load. Links the core.
 */
#ifndef BENCH_LOCKS_TRAFFIC_H
#define BENCH_LOCKS_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

enum traffic_kind {
	TRAFFIC_TABLE,	  /* random blocks of a table are replaced */
	TRAFFIC_BURSTS,	  /* all are taken, then freed in the same order */
	TRAFFIC_HANDOVER, /* one thread takes, another frees */
	TRAFFIC_GROWING,  /* blocks of a table grow by a quarter, by realloc */
};

struct traffic_work {
	const char *name;
	enum traffic_kind kind;
	unsigned n_threads;    /* even, to hand over */
	size_t n_blocks;       /* of each thread, at a time */
	size_t least, largest; /* bytes of a block */
};

enum { TRAFFIC_LOCKS = 4 };
extern const char *const traffic_lock_names[TRAFFIC_LOCKS];

struct traffic {
	uint64_t n_operations;
	uint64_t taken[TRAFFIC_LOCKS];
};

/* Does the work: once to get there, once counted. */
struct traffic traffic_of(const struct traffic_work *work);

#endif
