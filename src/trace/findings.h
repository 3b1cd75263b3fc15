/*
 * findings: what is reported, grouped: equal components of lost blocks are one
 * finding, with one of them as its example.
 *
 * Two components are equal if the same kinds of blocks hang together by the
 * same kinds of pointers. The kind of a block is its site or, where that is
 * unknown, its size and its type, as far as the first word tells.
 */
#ifndef TARN_TRACE_FINDINGS_H
#define TARN_TRACE_FINDINGS_H

#include "os/read.h"
#include "trace/graph.h"
#include "trace/retained.h"
#include "wire/wire.h"

struct finding {
	struct wire_finding wire;
	uintptr_t example; /* a block of it */
	uint32_t node;	   /* the same in the graph, if it is lost */
};

struct findings {
	struct work *work;
	const struct snapshot *snapshot;
	struct finding *all;
	uint32_t n;
	size_t n_room;
	size_t table_size;
	uint32_t *table;   /* by key: number + 1 */
	uint32_t *by_rank; /* numbers, largest retained first */
};

/* For N_BLOCKS blocks at most. */
bool findings_begin(struct findings *findings, const struct snapshot *snapshot,
		    uint64_t n_blocks);

/* Groups the components of GRAPH. false if there was no memory. */
bool findings_add_lost(struct findings *findings, const struct graph *graph,
		       const struct retained *retained);

/* Groups single blocks: those with a bit in BITS, for the reason BASIS. */
void findings_add_blocks(struct findings *findings, const uint64_t *bits,
			 enum wire_verdict verdict, enum wire_basis basis);

/* Sorts, and numbers them in that order; owners are renamed. */
bool findings_rank(struct findings *findings);

/* The site of a slot; 0: unknown. */
static inline uint32_t run_site(const struct trace_run *run, uint32_t slot)
{
	return run->sites == NULL ? 0 : run->sites[slot];
}

#endif
