/*
 * graph: the lost blocks, what they point to, and the cycles among them.
 *
 *	nodes       lost blocks, numbered in the order of their bits
 *	edges       targets[first_edge[n]] to targets[first_edge[n + 1]]
 *	components  strongly connected; an edge between two leads from the
 *	            higher to the lower number (Tarjan 1972)
 *	members     order[first_member[c]] to order[first_member[c + 1]]
 *
 * Everything here is iterative: a chain of ten million blocks is as deep as the
 * arrays are long.
 */
#ifndef TARN_TRACE_GRAPH_H
#define TARN_TRACE_GRAPH_H

#include "trace/snapshot.h"

struct graph {
	const struct snapshot *snapshot;
	const uint64_t *lost;
	uint32_t *rank; /* lost bits before each word of the bitmap */
	uint32_t n_nodes;
	uint32_t *run_of;
	uint64_t *bit_of;
	uint64_t *first_edge;
	uint32_t *targets;
	uint32_t n_components;
	uint32_t *component_of;
	uint32_t *order;
	uint32_t *first_member;
	uint8_t *flags; /* of components */
	/* A word for each node, for searches. */
	uint32_t *scratch;
	uint32_t *place;
};

enum graph_flags {
	GRAPH_CYCLE = 1 << 0, /* has an edge inside */
	GRAPH_HELD = 1 << 1,  /* another component points to it */
};

struct os_reader;

/* false if there was no memory for it, or there are 2^32 blocks or edges. */
bool graph_build(struct graph *graph, const struct snapshot *snapshot,
		 const uint64_t *lost, struct os_reader *reader);

static inline const struct trace_run *graph_run(const struct graph *graph,
						uint32_t node)
{
	return &graph->snapshot->runs[graph->run_of[node]];
}

static inline uint32_t graph_slot(const struct graph *graph, uint32_t node)
{
	return (uint32_t)(graph->bit_of[node] -
			  graph_run(graph, node)->first_bit);
}

static inline uintptr_t graph_block(const struct graph *graph, uint32_t node)
{
	return run_block(graph_run(graph, node), graph_slot(graph, node));
}

static inline size_t graph_bytes(const struct graph *graph, uint32_t node)
{
	return graph_run(graph, node)->block_bytes;
}

/* The node that WORD points to, anywhere inside; false if it is no lost block.
 * *INSIDE is how far from its start. */
bool graph_find(const struct graph *graph, uintptr_t word, uint32_t *node,
		size_t *inside);

#endif
