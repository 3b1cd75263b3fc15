/*
 * graph: nodes and edges from the blocks, then Tarjan's algorithm without
 * recursion.
 */
#include "trace/graph.h"

#include "base/bits.h"
#include "os/read.h"

#define NONE UINT32_MAX
#define PREFETCHED 8

/* --- nodes and edges ------------------------------------------------------ */

bool graph_find(const struct graph *graph, uintptr_t word, uint32_t *node,
		size_t *inside)
{
	struct place place;
	if (word - graph->snapshot->low >= graph->snapshot->n_bytes ||
	    !snapshot_find(graph->snapshot, word, &place) ||
	    !bits_test(graph->lost, place.bit))
		return false;
	uint64_t before =
		graph->lost[place.bit / 64] & bits_low(place.bit % 64);
	*node = graph->rank[place.bit / 64] + bits_count_word(before);
	*inside = place.inside;
	return true;
}

struct edges {
	struct graph *graph;
	uint64_t n;
};

static void add_edges(void *context, uintptr_t at, const uintptr_t *words,
		      size_t n)
{
	(void)at;
	struct edges *edges = context;
	struct graph *graph = edges->graph;
	uint32_t target;
	size_t inside;
	for (size_t i = 0; i < n; i++)
		if (words[i] - graph->snapshot->low <
			    graph->snapshot->n_bytes &&
		    graph_find(graph, words[i], &target, &inside))
			graph->targets[edges->n++] = target;
}

static void add_node(struct edges *edges, uint32_t run, uint64_t bit,
		     struct os_reader *reader)
{
	struct graph *graph = edges->graph;
	uint32_t node = graph->n_nodes++;
	graph->run_of[node] = run;
	graph->bit_of[node] = bit;
	graph->first_edge[node] = edges->n;
	uintptr_t block = graph_block(graph, node);
	size_t bytes = graph_bytes(graph, node);
	if (graph_run(graph, node)->is_guarded || bytes > SLICE_BYTES)
		os_read(reader, block, bytes, OS_PAGES_PRESENT, add_edges,
			edges);
	else
		add_edges(edges, block, (const uintptr_t *)block,
			  bytes / sizeof(uintptr_t));
}

/* How many lost blocks there are, how many bytes, and the ranks. */
static uint64_t count_nodes(struct graph *graph, uint64_t *n_bytes)
{
	const struct snapshot *snapshot = graph->snapshot;
	uint64_t n = 0;
	*n_bytes = 0;
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		uint64_t before = n;
		for (size_t w = 0; w < run_words(run); w++) {
			size_t at = run->first_bit / 64 + w;
			graph->rank[at] = (uint32_t)n;
			n += bits_count_word(graph->lost[at]);
		}
		*n_bytes += (n - before) * run->block_bytes;
	}
	return n;
}

static bool take_nodes(struct graph *graph, uint64_t n, uint64_t n_bytes)
{
	struct work *work = graph->snapshot->work;
	if (n >= NONE || n_bytes / sizeof(uintptr_t) >= NONE)
		return false;
	graph->run_of = work_take(work, n + 1, sizeof(uint32_t));
	graph->bit_of = work_take(work, n + 1, sizeof(uint64_t));
	graph->first_edge = work_take(work, n + 1, sizeof(uint64_t));
	graph->targets = work_take(work, n_bytes / sizeof(uintptr_t) + 1,
				   sizeof(uint32_t));
	graph->component_of = work_take(work, n + 1, sizeof(uint32_t));
	graph->order = work_take(work, n + 1, sizeof(uint32_t));
	graph->first_member = work_take(work, n + 1, sizeof(uint32_t));
	graph->flags = work_take(work, n + 1, sizeof(uint8_t));
	graph->scratch = work_take(work, n + 1, sizeof(uint32_t));
	graph->place = work_take(work, n + 1, sizeof(uint32_t));
	return !work->has_failed;
}

static void add_nodes(struct graph *graph, struct os_reader *reader)
{
	const struct snapshot *snapshot = graph->snapshot;
	struct edges edges = {.graph = graph};
	for (uint32_t i = 1; i <= snapshot->n_runs; i++) {
		const struct trace_run *run = &snapshot->runs[i];
		for (size_t w = 0; w < run_words(run); w++) {
			uint64_t at = run->first_bit / 64 + w;
			uint64_t word = graph->lost[at];
			for (; word != 0; word &= word - 1)
				add_node(&edges, i,
					 at * 64 + (unsigned)__builtin_ctzll(
							   word),
					 reader);
		}
	}
	graph->first_edge[graph->n_nodes] = edges.n;
}

/* --- components ------------------------------------------------------ */

/*
 * Tarjan's algorithm visits nodes in no order that memory likes: all that it
 * knows of one stands in one place. A node that was not visited has the number
 * 0; one whose component is known has no place in the search any more.
 */
struct state {
	uint32_t next_edge;
	uint32_t end_edge;
	uint32_t number;
	uint32_t lowest; /* number reached from the node's subtree */
	uint32_t parent; /* in the tree of the search */
	uint32_t is_closed;
	uint32_t unused[2]; /* two to a cache line */
};

struct search {
	struct graph *graph;
	struct state *states;
	uint32_t *stack; /* nodes without a component yet */
	uint32_t n_stack;
	uint32_t n_visited;
};

static void visit(struct search *search, uint32_t node, uint32_t parent)
{
	struct state *state = &search->states[node];
	const uint32_t *targets = search->graph->targets;
	state->number = state->lowest = ++search->n_visited;
	state->parent = parent;
	/* What it points to is needed soon, one after the other. */
	for (uint32_t i = 0;
	     i < PREFETCHED && state->next_edge + i < state->end_edge; i++)
		__builtin_prefetch(
			&search->states[targets[state->next_edge + i]]);
	search->stack[search->n_stack++] = node;
}

static void lower(uint32_t *value, uint32_t to)
{
	if (to < *value)
		*value = to;
}

/* The nodes on the stack from NODE on are a component. */
static void close_component(struct search *search, uint32_t node)
{
	struct graph *graph = search->graph;
	uint32_t c = graph->n_components++;
	uint32_t at = graph->first_member[c], member;
	do {
		member = search->stack[--search->n_stack];
		search->states[member].is_closed = 1;
		graph->component_of[member] = c;
		graph->order[at++] = member;
	} while (member != node);
	graph->first_member[c + 1] = at;
}

static void search_from(struct search *search, uint32_t start)
{
	const uint32_t *targets = search->graph->targets;
	uint32_t node = start;
	visit(search, start, NONE);
	while (node != NONE) {
		struct state *state = &search->states[node];
		if (state->next_edge < state->end_edge) {
			uint32_t to = targets[state->next_edge++];
			if (search->states[to].number == 0) {
				visit(search, to, node);
				node = to;
			} else if (!search->states[to].is_closed) {
				lower(&state->lowest,
				      search->states[to].number);
			}
			continue;
		}
		uint32_t parent = state->parent;
		if (state->lowest == state->number)
			close_component(search, node);
		if (parent != NONE)
			lower(&search->states[parent].lowest, state->lowest);
		node = parent;
	}
}

static bool find_components(struct graph *graph)
{
	struct work *work = graph->snapshot->work;
	size_t n = graph->n_nodes;
	struct search search = {
		.graph = graph,
		.states = work_take(work, n + 1, sizeof(struct state)),
		.stack = work_take(work, n + 1, sizeof(uint32_t)),
	};
	if (work->has_failed)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		search.states[i].next_edge = (uint32_t)graph->first_edge[i];
		search.states[i].end_edge = (uint32_t)graph->first_edge[i + 1];
	}
	for (uint32_t i = 0; i < n; i++)
		if (search.states[i].number == 0)
			search_from(&search, i);
	work_give_last(work, 2);
	return true;
}

static void set_flags(struct graph *graph)
{
	for (uint32_t node = 0; node < graph->n_nodes; node++) {
		uint32_t c = graph->component_of[node];
		for (uint64_t e = graph->first_edge[node];
		     e < graph->first_edge[node + 1]; e++) {
			uint32_t to = graph->component_of[graph->targets[e]];
			graph->flags[to] |= to == c ? GRAPH_CYCLE : GRAPH_HELD;
		}
	}
}

bool graph_build(struct graph *graph, const struct snapshot *snapshot,
		 const uint64_t *lost, struct os_reader *reader)
{
	uint64_t n_bytes;
	*graph = (struct graph){
		.snapshot = snapshot,
		.lost = lost,
		.rank = work_take(snapshot->work, snapshot->n_words + 1,
				  sizeof(uint32_t)),
	};
	if (graph->rank == NULL)
		return false;
	uint64_t n = count_nodes(graph, &n_bytes);
	if (!take_nodes(graph, n, n_bytes))
		return false;
	add_nodes(graph, reader);
	if (!find_components(graph))
		return false;
	set_flags(graph);
	return true;
}
