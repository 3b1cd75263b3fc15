/*
 * example: a way round a cycle, found breadth first.
 */
#include "trace/example.h"

#include <string.h>

#include "base/arith.h"
#include "base/message.h"
#include "watch/modules.h"

#define NONE UINT32_MAX

/* A breadth-first search looks at no more nodes. */
#define SEARCH_MAX ((uint32_t)1 << 22)

/* --- the way round --------------------------------------------------- */

static bool is_member(const struct graph *graph, uint32_t node, uint32_t c)
{
	return graph->component_of[node] == c;
}

/*
 * The node whose pointer to START closes the shortest cycle through it, the way
 * there noted in graph->scratch; NONE if it is too far. `order` of the
 * component serves as the queue, and holds the same nodes after.
 */
static uint32_t find_way(const struct graph *graph, uint32_t start)
{
	uint32_t c = graph->component_of[start];
	uint32_t first = graph->first_member[c];
	uint32_t end = graph->first_member[c + 1];
	uint32_t *from = graph->scratch;
	/* Members, in any order: those found are swapped to the front. */
	uint32_t *queue = graph->order + first;
	uint32_t n = end - first, n_found = 1;
	uint32_t *place = graph->place;
	for (uint32_t i = 0; i < n; i++) {
		from[queue[i]] = NONE;
		place[queue[i]] = i;
	}
	place[queue[0]] = place[start];
	queue[place[start]] = queue[0];
	queue[0] = start;
	place[start] = 0;
	for (uint32_t i = 0; i < n_found && i < SEARCH_MAX; i++) {
		uint32_t node = queue[i];
		for (uint64_t e = graph->first_edge[node];
		     e < graph->first_edge[node + 1]; e++) {
			uint32_t to = graph->targets[e];
			if (to == start)
				return node;
			if (!is_member(graph, to, c) || place[to] < n_found)
				continue;
			uint32_t other = queue[n_found];
			queue[place[to]] = other;
			place[other] = place[to];
			queue[n_found] = to;
			place[to] = n_found++;
			from[to] = node;
		}
	}
	return NONE;
}

static bool has(const struct example *example, uint32_t node)
{
	for (uint32_t i = 0; i < example->n_members; i++)
		if (example->nodes[i] == node)
			return true;
	return false;
}

static void add(struct example *example, uint32_t node)
{
	if (example->n_members < EXAMPLE_MEMBERS_MAX && !has(example, node))
		example->nodes[example->n_members++] = node;
}

/* The first nodes of the way, and its last. */
static void add_way(struct example *example, const struct graph *graph,
		    uint32_t start, uint32_t last)
{
	uint32_t length = 1;
	for (uint32_t node = last; node != start; node = graph->scratch[node])
		length++;
	uint32_t n =
		length < EXAMPLE_MEMBERS_MAX ? length : EXAMPLE_MEMBERS_MAX - 1;
	uint32_t node = last;
	for (uint32_t i = length; i-- > 0; node = graph->scratch[node])
		if (i < n)
			example->nodes[i] = node;
	example->n_members = n;
	add(example, last);
	example->closing_node = last;
}

static void add_targets(struct example *example, const struct graph *graph,
			uint32_t node)
{
	for (uint64_t e = graph->first_edge[node];
	     e < graph->first_edge[node + 1]; e++)
		add(example, graph->targets[e]);
}

static void choose_nodes(struct example *example, const struct graph *graph,
			 uint32_t start)
{
	uint32_t c = graph->component_of[start];
	example->closing_node = NONE;
	example->nodes[0] = start;
	example->n_members = 1;
	if ((graph->flags[c] & GRAPH_CYCLE) == 0) {
		add_targets(example, graph, start);
		return;
	}
	uint32_t last = find_way(graph, start);
	if (last != NONE)
		add_way(example, graph, start, last);
	for (uint32_t m = graph->first_member[c];
	     m < graph->first_member[c + 1] &&
	     example->n_members < EXAMPLE_MEMBERS_MAX;
	     m++)
		add(example, graph->order[m]);
}

/* --- what is said of a block ---------------------------------------------- */

/* CPython 3: an object begins with its count and its type; a type's name is its
 * fourth word. Collected objects have a head of two words, or of four. */
static bool read_type_name(uintptr_t type, char name[EXAMPLE_TYPE_BYTES])
{
	uintptr_t words[4];
	if (type % sizeof(uintptr_t) != 0 ||
	    !os_peek(type, words, sizeof(words)))
		return false;
	memset(name, 0, EXAMPLE_TYPE_BYTES);
	size_t most = EXAMPLE_TYPE_BYTES - 1;
	size_t page_left = 4096 - words[3] % 4096;
	return os_peek(words[3], name, min_size(most, page_left));
}

static bool is_type(uintptr_t type)
{
	char name[EXAMPLE_TYPE_BYTES];
	uintptr_t words[2];
	for (int depth = 0; depth < 3; depth++) {
		if (!os_peek(type, words, sizeof(words)))
			return false;
		type = words[1];
		if (read_type_name(type, name) && strcmp(name, "type") == 0)
			return true;
	}
	return false;
}

static size_t find_type(const uintptr_t *words, size_t n,
			char name[EXAMPLE_TYPE_BYTES])
{
	static const uint8_t heads[] = {0, 2, 4};
	for (size_t i = 0; i < sizeof(heads); i++) {
		size_t at = heads[i] + (size_t)1;
		if (at < n && words[at] > 4096 && is_type(words[at]) &&
		    read_type_name(words[at], name))
			return strlen(name);
	}
	return 0;
}

void example_describe(struct example_member *member, uint32_t index,
		      const struct trace_run *run, uint32_t slot)
{
	uintptr_t words[6] = {0};
	uintptr_t block = run_block(run, slot);
	size_t bytes = min_size(run->block_bytes, sizeof(words));
	*member = (struct example_member){
		.wire.index = index,
		.wire.site = run_site(run, slot),
		.wire.address = block,
		.wire.bytes = run->block_bytes,
	};
	if (!os_peek(block, words, bytes))
		return;
	struct wire_member *wire = &member->wire;
	wire->contents_bytes = (uint32_t)min_size(bytes, WIRE_CONTENTS_BYTES);
	memcpy(wire->contents, words, wire->contents_bytes);
	wire->first_word_module = modules_find_locked(words[0]);
	if (wire->first_word_module != 0)
		wire->first_word_address =
			words[0] -
			modules_get(wire->first_word_module)->wire.bias;
	member->type_bytes =
		find_type(words, bytes / sizeof(uintptr_t), member->type);
}

/* --- pointers -------------------------------------------------------- */

struct pointers {
	struct example *example;
	uint32_t from;
	uintptr_t block;
};

static void add_pointers(void *context, uintptr_t at, const uintptr_t *words,
			 size_t n)
{
	const struct pointers *pointers = context;
	struct example *example = pointers->example;
	const struct graph *graph = example->graph;
	uint32_t target;
	size_t inside;
	for (size_t i = 0; i < n && example->n_edges < EXAMPLE_EDGES_MAX; i++) {
		if (!graph_find(graph, words[i], &target, &inside))
			continue;
		uint32_t to = 0;
		while (to < example->n_members && example->nodes[to] != target)
			to++;
		if (to == example->n_members)
			continue;
		bool closes = to == 0 && example->nodes[pointers->from] ==
						 example->closing_node;
		example->edges[example->n_edges++] = (struct wire_edge){
			.from = pointers->from,
			.to = to,
			.closes = closes,
			.offset = at + i * sizeof(*words) - pointers->block,
			.to_offset = inside,
		};
	}
}

void example_make(struct example *example, const struct graph *graph,
		  const struct snapshot *snapshot,
		  const struct finding *finding, struct os_reader *reader)
{
	struct place place;
	example->graph = graph;
	example->n_members = example->n_edges = 0;
	if (finding->node == NONE) {
		if (!snapshot_find(snapshot, finding->example, &place))
			return;
		example_describe(&example->members[0], 0, place.run,
				 place.slot);
		example->n_members = 1;
		return;
	}
	choose_nodes(example, graph, finding->node);
	for (uint32_t i = 0; i < example->n_members; i++) {
		uint32_t node = example->nodes[i];
		example_describe(&example->members[i], i,
				 graph_run(graph, node),
				 graph_slot(graph, node));
	}
	for (uint32_t i = 0; i < example->n_members; i++) {
		struct pointers pointers = {
			.example = example,
			.from = i,
			.block = graph_block(graph, example->nodes[i]),
		};
		os_read(reader, pointers.block,
			graph_bytes(graph, example->nodes[i]), OS_PAGES_PRESENT,
			add_pointers, &pointers);
	}
}
