/*
 * oracle_dominators: Lengauer and Tarjan 1979, the simple version.
 *
 * Vertices are known by their number in the order in which a depth-first search
 * from the root, 0, first sees them; a vertex's number is greater than that of
 * its parent in the search, and of its dominator. Of a small graph the answer
 * is proved by definition.
 */
#include "oracle.h"

#include <string.h>

/* Components of a graph that is small. */
#define SMALL 200

struct flow {
	uint32_t n; /* vertices, with the root */
	struct lists out, in;
	uint32_t *parent; /* in the search */
	uint32_t *semi;
	uint32_t *ancestor; /* NONE: none yet */
	uint32_t *label;
	uint32_t *dominator;
	uint32_t *bucket, *next_in_bucket;
	uint32_t *stack;
};

/* Edges FROM to TO, and those from the root, component C being vertex C + 1. */
static uint32_t add_root(const struct answer *answer, uint32_t *from,
			 uint32_t *to, uint32_t n_edges)
{
	for (uint32_t i = 0; i < n_edges; i++) {
		from[i]++;
		to[i]++;
	}
	for (uint32_t c = 0; c < answer->n_components; c++)
		if (!answer->components[c].is_held) {
			from[n_edges] = 0;
			to[n_edges++] = c + 1;
		}
	return n_edges;
}

/* The number of each vertex in the order of the search. */
static uint32_t *search(struct flow *flow)
{
	const struct lists *out = &flow->out;
	uint32_t *number = take(flow->n, sizeof(uint32_t));
	uint32_t *next = take(flow->n, sizeof(uint32_t));
	uint32_t n_seen = 1, height = 1;
	memset(number + 1, 0xff, (flow->n - 1) * sizeof(uint32_t));
	flow->stack[0] = 0;
	while (height > 0) {
		uint32_t vertex = flow->stack[height - 1];
		uint32_t at = out->first[vertex] + next[vertex]++;
		if (at == out->first[vertex + 1]) {
			height--;
			continue;
		}
		uint32_t to = out->items[at];
		if (number[to] != NONE)
			continue;
		flow->parent[n_seen] = number[vertex];
		number[to] = n_seen++;
		flow->stack[height++] = to;
	}
	if (n_seen != flow->n)
		fail("the oracle's own error: a component from nowhere");
	return number;
}

/* The vertex with the least semidominator on the way to V, which is compressed,
 * from below the top of its tree. */
static uint32_t evaluate(struct flow *flow, uint32_t v)
{
	uint32_t height = 0, at = v;
	if (flow->ancestor[v] == NONE)
		return flow->label[v];
	while (flow->ancestor[flow->ancestor[at]] != NONE) {
		flow->stack[height++] = at;
		at = flow->ancestor[at];
	}
	while (height > 0) {
		uint32_t below = flow->stack[--height];
		uint32_t above = flow->ancestor[below];
		if (flow->semi[flow->label[above]] <
		    flow->semi[flow->label[below]])
			flow->label[below] = flow->label[above];
		flow->ancestor[below] = flow->ancestor[above];
	}
	return flow->label[v];
}

static void settle_bucket(struct flow *flow, uint32_t parent)
{
	uint32_t v = flow->bucket[parent];
	for (; v != NONE; v = flow->next_in_bucket[v]) {
		uint32_t u = evaluate(flow, v);
		flow->dominator[v] = flow->semi[u] < flow->semi[v] ? u : parent;
	}
	flow->bucket[parent] = NONE;
}

static void find_semidominators(struct flow *flow)
{
	for (uint32_t w = 0; w < flow->n; w++) {
		flow->semi[w] = flow->label[w] = w;
		flow->ancestor[w] = flow->bucket[w] = NONE;
	}
	for (uint32_t w = flow->n - 1; w > 0; w--) {
		for (uint32_t e = flow->in.first[w]; e < flow->in.first[w + 1];
		     e++) {
			uint32_t u = evaluate(flow, flow->in.items[e]);
			if (flow->semi[u] < flow->semi[w])
				flow->semi[w] = flow->semi[u];
		}
		flow->next_in_bucket[w] = flow->bucket[flow->semi[w]];
		flow->bucket[flow->semi[w]] = w;
		flow->ancestor[w] = flow->parent[w];
		settle_bucket(flow, flow->parent[w]);
	}
	for (uint32_t w = 1; w < flow->n; w++)
		if (flow->dominator[w] != flow->semi[w])
			flow->dominator[w] =
				flow->dominator[flow->dominator[w]];
}

static struct flow make_flow(uint32_t n)
{
	return (struct flow){
		.n = n,
		.parent = take(n, sizeof(uint32_t)),
		.semi = take(n, sizeof(uint32_t)),
		.ancestor = take(n, sizeof(uint32_t)),
		.label = take(n, sizeof(uint32_t)),
		.dominator = take(n, sizeof(uint32_t)),
		.bucket = take(n, sizeof(uint32_t)),
		.next_in_bucket = take(n, sizeof(uint32_t)),
		.stack = take(n, sizeof(uint32_t)),
	};
}

/* --- what is retained ------------------------------------------------- */

/* From the last seen to the first: each before its dominator. */
static void add_up(struct answer *answer, const struct flow *flow,
		   const uint32_t *number)
{
	uint32_t *vertex = take(flow->n, sizeof(*vertex));
	for (uint32_t v = 0; v < flow->n; v++)
		vertex[number[v]] = v;
	for (uint32_t c = 0; c < answer->n_components; c++) {
		struct component *component = &answer->components[c];
		component->blocks = component->own_blocks;
		component->bytes = component->own_bytes;
	}
	for (uint32_t i = flow->n - 1; i > 0; i--) {
		struct component *component =
			&answer->components[vertex[i] - 1];
		uint32_t above = vertex[flow->dominator[i]];
		component->dominator = above == 0 ? NONE : above - 1;
		if (above == 0)
			continue;
		answer->components[above - 1].blocks += component->blocks;
		answer->components[above - 1].bytes += component->bytes;
	}
}

/* Retained is what is not reached from the root without VERTEX. */
static void prove(const struct answer *answer, const struct lists *out,
		  uint32_t vertex)
{
	const struct component *component = &answer->components[vertex - 1];
	bool is_reached[SMALL + 1] = {true};
	uint32_t queue[SMALL + 1] = {0}, n = 1;
	uint64_t blocks = 0, bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t e = out->first[queue[i]];
		     e < out->first[queue[i] + 1]; e++) {
			uint32_t to = out->items[e];
			if (is_reached[to] || to == vertex)
				continue;
			is_reached[to] = true;
			queue[n++] = to;
		}
	for (uint32_t c = 0; c < answer->n_components; c++)
		if (!is_reached[c + 1]) {
			blocks += answer->components[c].own_blocks;
			bytes += answer->components[c].own_bytes;
		}
	if (blocks != component->blocks || bytes != component->bytes)
		fail("the oracle's own error: dominators");
}

void dominators_find(struct answer *answer, const uint32_t *from,
		     const uint32_t *to, uint32_t n_edges)
{
	uint32_t n = answer->n_components + 1;
	struct flow flow = make_flow(n);
	uint32_t *tail = take((size_t)n_edges + n, sizeof(*tail));
	uint32_t *head = take((size_t)n_edges + n, sizeof(*head));
	memcpy(tail, from, n_edges * sizeof(*tail));
	memcpy(head, to, n_edges * sizeof(*head));
	n_edges = add_root(answer, tail, head, n_edges);
	flow.out = lists_make(n, tail, head, n_edges);
	uint32_t *number = search(&flow);
	for (uint32_t i = 0; i < n_edges; i++) {
		tail[i] = number[tail[i]];
		head[i] = number[head[i]];
	}
	flow.in = lists_make(n, head, tail, n_edges);
	find_semidominators(&flow);
	add_up(answer, &flow, number);
	for (uint32_t v = 1; v < n && n <= SMALL; v++)
		prove(answer, &flow.out, v);
}
