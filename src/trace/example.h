/*
 * example: the blocks and pointers that a finding shows.
 *
 * Of a cycle: the shortest way round through its first block, then other
 * members. Of a single block: itself, and what it points to.
 */
#ifndef TARN_TRACE_EXAMPLE_H
#define TARN_TRACE_EXAMPLE_H

#include "os/read.h"
#include "trace/findings.h"

#define EXAMPLE_MEMBERS_MAX 12
#define EXAMPLE_EDGES_MAX 48
#define EXAMPLE_TYPE_BYTES 64

struct example_member {
	struct wire_member wire;
	char type[EXAMPLE_TYPE_BYTES];
	size_t type_bytes;
};

struct example {
	const struct graph *graph;
	uint32_t nodes[EXAMPLE_MEMBERS_MAX];
	struct example_member members[EXAMPLE_MEMBERS_MAX];
	uint32_t n_members;
	struct wire_edge edges[EXAMPLE_EDGES_MAX];
	uint32_t n_edges;
	uint32_t closing_node; /* its pointer to the first closes the cycle */
};

/* GRAPH is that of the lost blocks. modules_lock is held. */
void example_make(struct example *example, const struct graph *graph,
		  const struct snapshot *snapshot,
		  const struct finding *finding, struct os_reader *reader);

/* What there is to say of the block in SLOT of RUN. modules_lock is held. */
void example_describe(struct example_member *member, uint32_t index,
		      const struct trace_run *run, uint32_t slot);

#endif
