/*
 * oracle_answer: reachability, components, dominators.
 */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

struct lists lists_make(uint32_t n, const uint32_t *list, const uint32_t *item,
			uint32_t n_items)
{
	struct lists lists = {
		.first = take((size_t)n + 2, sizeof(uint32_t)),
		.items = take(n_items, sizeof(uint32_t)),
	};
	/* Counted one place too far, so that filling moves each start to where
	 * it belongs. */
	for (uint32_t i = 0; i < n_items; i++)
		lists.first[list[i] + 2]++;
	for (uint32_t i = 1; i < n + 2; i++)
		lists.first[i] += lists.first[i - 1];
	for (uint32_t i = 0; i < n_items; i++)
		lists.items[lists.first[list[i] + 1]++] = item[i];
	return lists;
}

/* --- what pointers mean --------------------------------------------------- */

/* What a pointer reaches, and what only it hints at. NONE: nothing. */
struct link {
	uint32_t from; /* n_blocks: the roots */
	uint32_t to;
	uint32_t ends; /* the block that ends where one in a root points */
	bool is_inside;
};

struct links {
	struct link *all;
	uint32_t n;
	struct lists of; /* numbers of links, by where they are from */
};

/* The live blocks that touch each block, before it and after it. */
struct touching {
	uint32_t *before, *after;
};

static bool touches(const struct model *model, uint32_t first, uint32_t second)
{
	return address_of(model, first) + model->bytes[first] ==
	       address_of(model, second);
}

static struct touching find_touching(const struct model *model)
{
	uint32_t n = model->n_blocks;
	struct touching touching = {take(n, sizeof(uint32_t)),
				    take(n, sizeof(uint32_t))};
	memset(touching.before, 0xff, n * sizeof(uint32_t));
	memset(touching.after, 0xff, n * sizeof(uint32_t));
	for (uint32_t i = 1; i < n; i++) {
		uint32_t first = model->in_order[i - 1];
		uint32_t second = model->in_order[i];
		if (!touches(model, first, second))
			continue;
		if (!model->is_freed[first])
			touching.before[second] = first;
		if (!model->is_freed[second])
			touching.after[first] = second;
	}
	return touching;
}

static struct link make_link(const struct model *model,
			     const struct touching *touching,
			     const struct edge *edge)
{
	uint32_t to = edge->to;
	uint32_t live = model->is_freed[to] ? NONE : to;
	struct link link = {.to = live, .ends = NONE};
	link.from = edge->from == NONE ? model->n_blocks : edge->from;
	if (edge->offset == model->bytes[to]) {
		link.to = touching->after[to];
		link.ends = live;
	} else if (edge->offset == 0) {
		link.ends = touching->before[to];
	}
	if (edge->from != NONE)
		link.ends = NONE;
	link.is_inside = edge->offset >= 8 && edge->offset < model->bytes[to];
	return link;
}

static struct links find_links(const struct model *model)
{
	struct touching touching = find_touching(model);
	struct links links = {.all = take(model->n_edges, sizeof(struct link))};
	uint32_t *from = take(model->n_edges, sizeof(*from));
	uint32_t *number = take(model->n_edges, sizeof(*number));
	for (uint32_t i = 0; i < model->n_edges; i++) {
		const struct edge *edge = &model->edges[i];
		if (edge->to == NONE ||
		    (edge->from != NONE && model->is_freed[edge->from]))
			continue;
		number[links.n] = links.n;
		links.all[links.n] = make_link(model, &touching, edge);
		from[links.n] = links.all[links.n].from;
		links.n++;
	}
	links.of = lists_make(model->n_blocks + 1, from, number, links.n);
	return links;
}

/* --- reached ---------------------------------------------------------- */

struct search {
	struct answer *answer;
	const struct links *links;
	uint32_t *queue;
	uint32_t n;
};

/* LOST becomes FATE. */
static void reach(struct search *search, uint32_t block, enum fate fate)
{
	if (block == NONE || search->answer->fate[block] != LOST)
		return;
	search->answer->fate[block] = (uint8_t)fate;
	search->queue[search->n++] = block;
}

static const struct link *link_at(const struct links *links, uint32_t i)
{
	return &links->all[links->of.items[i]];
}

static void follow(struct search *search, uint32_t from, enum fate fate)
{
	const struct lists *of = &search->links->of;
	for (uint32_t i = of->first[from]; i < of->first[from + 1]; i++) {
		const struct link *link = link_at(search->links, i);
		if (!link->is_inside || fate == POSSIBLE)
			reach(search, link->to, fate);
	}
}

static void find_fates(struct answer *answer, const struct model *model,
		       const struct links *links)
{
	struct search search = {answer, links,
				take(model->n_blocks, sizeof(uint32_t)), 0};
	for (uint32_t i = 0; i < model->n_blocks; i++)
		answer->fate[i] = model->is_freed[i] ? FREED : LOST;
	follow(&search, model->n_blocks, HELD);
	for (uint32_t i = 0; i < search.n; i++)
		follow(&search, search.queue[i], HELD);
	/* From all that is held, what hints lead to. */
	uint32_t n_held = search.n;
	for (uint32_t i = 0; i < links->n; i++) {
		const struct link *link = &links->all[i];
		if (link->from != model->n_blocks &&
		    answer->fate[link->from] != HELD)
			continue;
		uint32_t to = link->to, ends = link->ends;
		if (to != NONE && answer->fate[to] > HELD)
			answer->is_inside[to] = true;
		if (ends != NONE && answer->fate[ends] > HELD)
			answer->is_end[ends] = true;
		reach(&search, to, POSSIBLE);
		reach(&search, ends, POSSIBLE);
	}
	for (uint32_t i = n_held; i < search.n; i++)
		follow(&search, search.queue[i], POSSIBLE);
	for (uint32_t i = 0; i < model->n_blocks; i++) {
		answer->n[answer->fate[i]]++;
		answer->bytes[answer->fate[i]] += model->bytes[i];
		answer->is_end[i] = answer->is_end[i] && !answer->is_inside[i];
	}
}

/* --- components --------------------------------------------------------- */

/* Edges between lost blocks. */
struct lost_edges {
	uint32_t *from, *to;
	uint32_t n;
	struct lists out, in;
};

static struct lost_edges find_lost_edges(const struct answer *answer,
					 const struct model *model,
					 const struct links *links)
{
	struct lost_edges edges = {.from = take(links->n, sizeof(uint32_t)),
				   .to = take(links->n, sizeof(uint32_t))};
	for (uint32_t i = 0; i < links->n; i++) {
		const struct link *link = &links->all[i];
		if (link->from == model->n_blocks || link->to == NONE ||
		    answer->fate[link->from] != LOST ||
		    answer->fate[link->to] != LOST)
			continue;
		edges.from[edges.n] = link->from;
		edges.to[edges.n++] = link->to;
	}
	edges.out = lists_make(model->n_blocks, edges.from, edges.to, edges.n);
	edges.in = lists_make(model->n_blocks, edges.to, edges.from, edges.n);
	return edges;
}

/* The blocks that are lost, in the order in which a depth-first search leaves
 * them. */
static uint32_t *order_of_leaving(const struct answer *answer,
				  const struct lists *out, uint32_t n)
{
	uint32_t *order = take(n, sizeof(uint32_t)), n_left = 0;
	uint32_t *stack = take(n, sizeof(uint32_t)), height = 0;
	uint32_t *next = take(n, sizeof(uint32_t));
	bool *is_seen = take(n, sizeof(bool));
	for (uint32_t start = 0; start < n; start++) {
		if (answer->fate[start] != LOST || is_seen[start])
			continue;
		is_seen[start] = true;
		stack[height++] = start;
		while (height > 0) {
			uint32_t block = stack[height - 1];
			uint32_t at = out->first[block] + next[block]++;
			if (at == out->first[block + 1]) {
				order[n_left++] = block;
				height--;
			} else if (!is_seen[out->items[at]]) {
				is_seen[out->items[at]] = true;
				stack[height++] = out->items[at];
			}
		}
	}
	return order;
}

/* Those that reach START without leaving what has no component yet. */
static void gather(struct answer *answer, const struct model *model,
		   const struct lists *in, uint32_t start, uint32_t *queue)
{
	uint32_t c = answer->n_components++, n = 0;
	struct component *component = &answer->components[c];
	component->first = start;
	answer->component_of[start] = c;
	queue[n++] = start;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t block = queue[i];
		component->own_blocks++;
		component->own_bytes += model->bytes[block];
		for (uint32_t e = in->first[block]; e < in->first[block + 1];
		     e++) {
			uint32_t from = in->items[e];
			if (answer->component_of[from] != NONE)
				continue;
			answer->component_of[from] = c;
			queue[n++] = from;
		}
	}
}

static void find_components(struct answer *answer, const struct model *model,
			    const struct lost_edges *edges)
{
	uint32_t n = model->n_blocks;
	uint32_t *order = order_of_leaving(answer, &edges->out, n);
	uint32_t *queue = take(n, sizeof(*queue));
	answer->components = take(answer->n[LOST], sizeof(*answer->components));
	for (size_t i = answer->n[LOST]; i-- > 0;)
		if (answer->component_of[order[i]] == NONE)
			gather(answer, model, &edges->in, order[i], queue);
}

/* Leaves in EDGES those between components, by their numbers. */
static void condense(struct answer *answer, struct lost_edges *edges)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < edges->n; i++) {
		uint32_t from = answer->component_of[edges->from[i]];
		uint32_t to = answer->component_of[edges->to[i]];
		if (from == to) {
			answer->components[to].is_cycle = true;
			continue;
		}
		answer->components[to].is_held = true;
		edges->from[n] = from;
		edges->to[n++] = to;
	}
	edges->n = n;
}

void answer_find(struct answer *answer, const struct model *model)
{
	uint32_t n = model->n_blocks;
	*answer = (struct answer){
		.fate = take(n, sizeof(*answer->fate)),
		.is_inside = take(n, sizeof(*answer->is_inside)),
		.is_end = take(n, sizeof(*answer->is_end)),
		.component_of = take(n, sizeof(*answer->component_of)),
	};
	memset(answer->component_of, 0xff, n * sizeof(uint32_t));
	struct links links = find_links(model);
	find_fates(answer, model, &links);
	struct lost_edges edges = find_lost_edges(answer, model, &links);
	find_components(answer, model, &edges);
	condense(answer, &edges);
	dominators_find(answer, edges.from, edges.to, edges.n);
}
