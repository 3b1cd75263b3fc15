/*
 * retained: dominators of an acyclic graph in one pass.
 *
 * In topological order a node's dominator is the nearest common ancestor, in
 * the tree built so far, of all that point to it. Each node keeps, besides its
 * parent, one jump to a farther ancestor, so chosen that the nearest common
 * ancestor is found in logarithmic time (Myers 1983) however deep the tree is.
 */
#include "trace/retained.h"

#define ROOT RETAINED_ROOT

struct tree {
	uint32_t *parent;
	uint32_t *jump;
	uint32_t *depth; /* 1 below the root */
};

static uint32_t depth_of(const struct tree *tree, uint32_t node)
{
	return node == ROOT ? 0 : tree->depth[node];
}

static uint32_t parent_of(const struct tree *tree, uint32_t node)
{
	return node == ROOT ? ROOT : tree->parent[node];
}

static uint32_t jump_of(const struct tree *tree, uint32_t node)
{
	return node == ROOT ? ROOT : tree->jump[node];
}

/* Hangs NODE below its parent, which is set. */
static void hang(struct tree *tree, uint32_t node)
{
	uint32_t parent = tree->parent[node];
	uint32_t near = jump_of(tree, parent);
	uint32_t far = jump_of(tree, near);
	uint32_t first = depth_of(tree, parent) - depth_of(tree, near);
	uint32_t second = depth_of(tree, near) - depth_of(tree, far);
	tree->depth[node] = depth_of(tree, parent) + 1;
	tree->jump[node] = first == second ? far : parent;
}

static uint32_t ascend(const struct tree *tree, uint32_t node, uint32_t depth)
{
	while (depth_of(tree, node) > depth)
		node = depth_of(tree, jump_of(tree, node)) >= depth
			       ? jump_of(tree, node)
			       : parent_of(tree, node);
	return node;
}

static uint32_t common_ancestor(const struct tree *tree, uint32_t a, uint32_t b)
{
	a = ascend(tree, a, depth_of(tree, b));
	b = ascend(tree, b, depth_of(tree, a));
	while (a != b) {
		bool far = jump_of(tree, a) != jump_of(tree, b);
		a = far ? jump_of(tree, a) : parent_of(tree, a);
		b = far ? jump_of(tree, b) : parent_of(tree, b);
	}
	return a;
}

/* What C points to hangs below the common ancestor of C and the others. */
static void note_targets(struct tree *tree, const struct graph *graph,
			 uint32_t c, bool *has_parent)
{
	for (uint32_t m = graph->first_member[c];
	     m < graph->first_member[c + 1]; m++) {
		uint32_t node = graph->order[m];
		for (uint64_t e = graph->first_edge[node];
		     e < graph->first_edge[node + 1]; e++) {
			uint32_t to = graph->component_of[graph->targets[e]];
			if (to == c)
				continue;
			tree->parent[to] =
				has_parent[to]
					? common_ancestor(tree,
							  tree->parent[to], c)
					: c;
			has_parent[to] = true;
		}
	}
}

static void add_up(struct retained *retained, const struct graph *graph)
{
	for (uint32_t c = 0; c < graph->n_components; c++) {
		for (uint32_t m = graph->first_member[c];
		     m < graph->first_member[c + 1]; m++) {
			retained->blocks[c]++;
			retained->bytes[c] +=
				graph_bytes(graph, graph->order[m]);
		}
		uint32_t above = retained->dominator[c];
		if (above == ROOT)
			continue;
		retained->blocks[above] += retained->blocks[c];
		retained->bytes[above] += retained->bytes[c];
	}
}

bool retained_compute(struct retained *retained, const struct graph *graph)
{
	struct work *work = graph->snapshot->work;
	size_t n = (size_t)graph->n_components + 1;
	struct tree tree = {
		.parent = work_take(work, n, sizeof(uint32_t)),
		.jump = work_take(work, n, sizeof(uint32_t)),
		.depth = work_take(work, n, sizeof(uint32_t)),
	};
	bool *has_parent = work_take(work, n, sizeof(bool));
	*retained = (struct retained){
		.dominator = tree.parent,
		.top = work_take(work, n, sizeof(uint32_t)),
		.blocks = work_take(work, n, sizeof(uint64_t)),
		.bytes = work_take(work, n, sizeof(uint64_t)),
	};
	if (work->has_failed)
		return false;
	/* From those that point to those that are pointed to. */
	for (uint32_t c = graph->n_components; c-- > 0;) {
		if (!has_parent[c])
			tree.parent[c] = ROOT;
		hang(&tree, c);
		note_targets(&tree, graph, c, has_parent);
		uint32_t above = tree.parent[c];
		retained->top[c] = above == ROOT ? c : retained->top[above];
	}
	add_up(retained, graph);
	return true;
}
