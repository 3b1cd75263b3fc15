/*
 * html_graph: the example of a finding, drawn.
 *
 *             +8
 *         #1 ----> #2        blocks clockwise on a ring, in the order in
 *   label  ^        | label  which the pointers lead; further pointers are
 *          | +0     v +8     chords. Labels stand beside the ring, so that a
 *         #0 <---- #3        narrow window can cut them off.
 *
 * Each pointer is a curve to the left of its way: one that goes along the ring
 * lies on its outside, and one that goes back lies inside.
 */
#include "cli/html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Those of a report that the library wrote are fewer. */
#define NODES_MAX 16
#define EDGES_MAX 200
#define WIDTH 680
#define MIDDLE (WIDTH / 2.0)
#define NODE_RADIUS 27.0
#define MARGIN 26.0
#define LABEL_GAP 8.0
/* So many have their labels in columns. */
#define MANY_NODES 5
#define CHARACTER_WIDTH 6.7

struct point {
	double x, y;
};

struct node {
	const struct model_member *member; /* NULL: blocks left out */
	struct point at;
	double angle;
};

struct graph {
	FILE *out;
	struct model_process *process;
	const struct model_finding *finding;
	size_t n_edges;
	size_t n_nodes;
	struct node nodes[NODES_MAX + 1];
	uint64_t n_missing; /* blocks that the example does not have */
	double radius;
	struct point middle;
	bool by_caller; /* see frame_of() */
};

/* --- where the nodes are ------------------------------------------------- */

static size_t node_of(const struct graph *graph, uint32_t index)
{
	size_t i = 0;
	while (i < graph->n_nodes &&
	       !(graph->nodes[i].member &&
		 graph->nodes[i].member->wire.index == index))
		i++;
	return i;
}

static bool has_node(const struct graph *graph, uint32_t index)
{
	return node_of(graph, index) < graph->n_nodes;
}

/* A block that is no node yet, and INDEX leads to, or that leads to INDEX. */
static const struct model_member *find_neighbour(const struct graph *graph,
						 uint32_t index, bool is_next)
{
	const struct model_finding *finding = graph->finding;
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct wire_edge *edge = &finding->edges[i];
		uint32_t near = is_next ? edge->from : edge->to;
		uint32_t far = is_next ? edge->to : edge->from;
		if (near == index && !has_node(graph, far) &&
		    finding_member(finding, far))
			return finding_member(finding, far);
	}
	return NULL;
}

static const struct model_member *any_member(const struct graph *graph)
{
	const struct model_finding *finding = graph->finding;
	for (size_t i = 0; i < finding->n_members; i++) {
		if (!has_node(graph, finding->members[i].wire.index))
			return &finding->members[i];
	}
	return NULL;
}

static void insert_node(struct graph *graph, size_t at,
			const struct model_member *member)
{
	for (size_t i = graph->n_nodes++; i > at; i--)
		graph->nodes[i] = graph->nodes[i - 1];
	graph->nodes[at] = (struct node){.member = member};
}

/* The way that MEMBER is on: what it leads to, then what leads to it. */
static void add_way(struct graph *graph, const struct model_member *member)
{
	size_t start = graph->n_nodes;
	const struct model_member *next = member;
	while (next && graph->n_nodes < NODES_MAX) {
		insert_node(graph, graph->n_nodes, next);
		next = find_neighbour(graph, next->wire.index, true);
	}
	next = find_neighbour(graph, member->wire.index, false);
	while (next && graph->n_nodes < NODES_MAX) {
		insert_node(graph, start, next);
		next = find_neighbour(graph, next->wire.index, false);
	}
}

/* What the example left out is where its first way breaks off. */
static void choose_nodes(struct graph *graph)
{
	const struct model_member *member = any_member(graph);
	while (member && graph->n_nodes < NODES_MAX) {
		bool is_first = graph->n_nodes == 0;
		add_way(graph, member);
		member = any_member(graph);
		if (is_first && graph->n_missing)
			insert_node(graph, graph->n_nodes, NULL);
	}
}

/* Never straight above or below the middle: labels go to the sides. */
static void place_nodes(struct graph *graph)
{
	size_t n = graph->n_nodes;
	double step = 2 * M_PI / (double)n;
	double start = M_PI + (n % 4 == 0 ? step / 2 : 0);
	double radius = 76 * (double)n / (2 * M_PI);
	double least = graph->n_edges > 3 * n ? 125 : 88;
	graph->radius = n == 1 ? 0 : radius < least ? least : radius;
	graph->middle.x = MIDDLE;
	graph->middle.y = (n <= 2 ? 48 : graph->radius) + NODE_RADIUS + MARGIN;
	for (size_t i = 0; i < n; i++) {
		struct node *node = &graph->nodes[i];
		node->angle = start + step * (double)i;
		node->at.x = graph->middle.x + graph->radius * cos(node->angle);
		node->at.y = graph->middle.y + graph->radius * sin(node->angle);
	}
}

/* --- pointers ------------------------------------------------------------ */

/* From A towards B, by LENGTH. */
static struct point towards(struct point a, struct point b, double length)
{
	double x = b.x - a.x, y = b.y - a.y;
	double all = hypot(x, y);
	if (all == 0)
		return a;
	return (struct point){a.x + x / all * length, a.y + y / all * length};
}

static void put_head(const struct graph *graph, struct point from,
		     struct point tip)
{
	struct point base = towards(tip, from, 10);
	double x = (tip.x - base.x) * 0.42, y = (tip.y - base.y) * 0.42;
	fprintf(graph->out,
		"<path class=\"head\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fz\"/>",
		tip.x, tip.y, base.x - y, base.y + x, base.x + y, base.y - x);
}

/* "+0 +8": of all pointers from one block to the other. */
static const char *offsets_of(const struct graph *graph,
			      const struct wire_edge *first)
{
	struct arena *arena = &graph->process->model->arena;
	const struct model_finding *finding = graph->finding;
	const char *text = "";
	size_t n = 0;
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct wire_edge *edge = &finding->edges[i];
		if (edge->from != first->from || edge->to != first->to)
			continue;
		if (++n > 3)
			return arena_print(arena, "%s …", text);
		text = arena_print(arena, "%s%s+%" PRIu64, text,
				   n > 1 ? " " : "", edge->offset);
	}
	return text;
}

/* Beside AT, where the curve is: where SIDE, of length 1, points. */
static void put_offsets(const struct graph *graph, const struct wire_edge *edge,
			struct point at, struct point side)
{
	const char *text = offsets_of(graph, edge);
	double half = (double)strlen(text) * CHARACTER_WIDTH / 2;
	fprintf(graph->out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>",
		at.x + side.x * (half + 4), at.y + side.y * 10 + 4, text);
}

static void put_loop(const struct graph *graph, const struct node *node,
		     const struct wire_edge *edge)
{
	struct point at = node->at, to = graph->middle;
	struct point far, left, right, start, end;
	double x, y;
	if (graph->n_nodes == 1)
		to = (struct point){at.x, at.y - 1};
	far = towards(at, to, NODE_RADIUS + (graph->n_nodes == 1 ? 54 : 36));
	x = (far.x - at.x) * 0.5, y = (far.y - at.y) * 0.5;
	left = (struct point){far.x + y, far.y - x};
	right = (struct point){far.x - y, far.y + x};
	start = towards(at, left, NODE_RADIUS);
	end = towards(at, right, NODE_RADIUS + 1);
	fprintf(graph->out,
		"<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\"/>",
		start.x, start.y, left.x, left.y, right.x, right.y,
		towards(end, right, 6).x, towards(end, right, 6).y);
	put_head(graph, right, end);
	far = towards(at, to, NODE_RADIUS + (graph->n_nodes == 1 ? 42 : 26));
	put_offsets(graph, edge, far,
		    towards((struct point){0, 0},
			    (struct point){far.x - at.x, far.y - at.y}, 1));
}

/* How far its curve is drawn aside, as a part of its length. */
static double bend_of(const struct graph *graph, size_t from, size_t to)
{
	size_t n = graph->n_nodes;
	if (n == 2)
		return 0.42;
	if ((from + 1) % n == to)
		return n < 5 ? 0.26 : tan(M_PI / (2 * (double)n)) * 1.2;
	return 0.15;
}

static void put_curve(const struct graph *graph, size_t from, size_t to,
		      const struct wire_edge *edge)
{
	struct point a = graph->nodes[from].at, b = graph->nodes[to].at;
	double bend = bend_of(graph, from, to);
	bool is_chord = (from + 1) % graph->n_nodes != to;
	double t = is_chord && graph->n_nodes > 3 ? 0.36 : 0.5;
	struct point aside = {(a.x + b.x) / 2 + (b.y - a.y) * bend,
			      (a.y + b.y) / 2 - (b.x - a.x) * bend};
	struct point start = towards(a, aside, NODE_RADIUS);
	struct point end = towards(b, aside, NODE_RADIUS + 1);
	struct point stop = towards(end, aside, 6);
	struct point label = {
		(1 - t) * (1 - t) * start.x + 2 * t * (1 - t) * aside.x +
			t * t * stop.x,
		(1 - t) * (1 - t) * start.y + 2 * t * (1 - t) * aside.y +
			t * t * stop.y,
	};
	fprintf(graph->out, "<path d=\"M%.1f %.1fQ%.1f %.1f %.1f %.1f\"/>",
		start.x, start.y, aside.x, aside.y, stop.x, stop.y);
	put_head(graph, aside, end);
	put_offsets(graph, edge, label,
		    towards((struct point){0, 0},
			    (struct point){b.y - a.y, a.x - b.x}, 1));
}

/* Whether an edge before the one at I has the same ends. */
static bool is_drawn(const struct model_finding *finding, size_t i)
{
	const struct wire_edge *edge = &finding->edges[i];
	for (size_t j = 0; j < i; j++) {
		if (finding->edges[j].from == edge->from &&
		    finding->edges[j].to == edge->to)
			return true;
	}
	return false;
}

/* Those that close a cycle come last, above the others. */
static void put_edges(const struct graph *graph, bool closing)
{
	const struct model_finding *finding = graph->finding;
	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct wire_edge *edge = &finding->edges[i];
		size_t from = node_of(graph, edge->from);
		size_t to = node_of(graph, edge->to);
		if ((edge->closes != 0) != closing || is_drawn(finding, i) ||
		    from == graph->n_nodes || to == graph->n_nodes)
			continue;
		fprintf(graph->out, "<g class=\"%s\">",
			closing ? "edge closes" : "edge");
		if (from == to)
			put_loop(graph, &graph->nodes[from], edge);
		else
			put_curve(graph, from, to, edge);
		fputs("</g>\n", graph->out);
	}
}

/* To and from the blocks that were left out. */
static void put_gap(const struct graph *graph, size_t at)
{
	size_t n = graph->n_nodes;
	struct point here = graph->nodes[at].at;
	struct point before = graph->nodes[(at + n - 1) % n].at;
	struct point after = graph->nodes[(at + 1) % n].at;
	struct point a = towards(before, here, NODE_RADIUS);
	struct point b = towards(here, before, NODE_RADIUS);
	struct point c = towards(here, after, NODE_RADIUS);
	struct point d = towards(after, here, NODE_RADIUS);
	fprintf(graph->out,
		"<path class=\"gap\" d=\"M%.1f %.1fL%.1f %.1fM%.1f %.1fL%.1f "
		"%.1f\"/>\n",
		a.x, a.y, b.x, b.y, c.x, c.y, d.x, d.y);
}

/* --- nodes --------------------------------------------------------------- */

/* Names are cut in the middle: both ends tell them apart. */
static const char *cut_middle(struct arena *arena, const char *text,
			      size_t columns)
{
	size_t length = strlen(text), head = columns / 2;
	size_t tail =
		length > columns - head ? length - (columns - head) + 1 : 0;
	if (length <= columns)
		return text;
	/* Not within a character. */
	while (head > 0 && ((unsigned char)text[head] & 0xc0) == 0x80)
		head--;
	while (((unsigned char)text[tail] & 0xc0) == 0x80)
		tail++;
	return arena_print(arena, "%.*s…%s", (int)head, text, text + tail);
}

/* Two lines: of a type and the call, or of a function and its place. */
struct label {
	const char *first;
	const char *second; /* NULL: there is one line */
};

/* The call to tell nodes apart by: the first one in the user's code, or, where
 * that is the same for all, what called it. */
static const struct model_frame *frame_of(const struct graph *graph,
					  const struct model_member *member)
{
	const struct model_site *site =
		model_site(graph->process, member->wire.site);
	const struct model_frame *frame = model_user_frame(site);
	const struct model_frame *caller = explain_caller(site, frame);
	return graph->by_caller && caller ? caller : frame;
}

static struct label label_of(const struct graph *graph, const struct node *node)
{
	struct arena *arena = &graph->process->model->arena;
	const struct model_member *member = node->member;
	const struct model_frame *frame;
	const char *type;
	if (!member)
		return (struct label){.first = arena_print(arena,
							   "%" PRIu64 " more",
							   graph->n_missing)};
	type = model_member_type(graph->process, member);
	frame = frame_of(graph, member);
	if (type)
		return (struct label){phrase_name(arena, type),
				      phrase_frame(arena, frame)};
	if (frame && frame->function)
		return (struct label){phrase_name(arena, frame->function),
				      phrase_place(arena, frame)};
	if (frame)
		return (struct label){.first = phrase_place(arena, frame)};
	return (struct label){.first = arena_print(arena, "0x%" PRIx64,
						   member->wire.address)};
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Whether all blocks would have the same label. */
static bool has_one_label(const struct graph *graph)
{
	struct label label = label_of(graph, &graph->nodes[0]);
	for (size_t i = 1; i < graph->n_nodes; i++) {
		struct label other = label_of(graph, &graph->nodes[i]);
		if (graph->nodes[i].member &&
		    !(is_same_text(label.first, other.first) &&
		      is_same_text(label.second, other.second)))
			return false;
	}
	return true;
}

static void put_label_line(const struct graph *graph, struct point at,
			   bool is_left, const char *text,
			   const char *class_name)
{
	double room = is_left ? at.x : WIDTH - at.x;
	fprintf(graph->out, "<text class=\"%s %s\" x=\"%.1f\" y=\"%.1f\">",
		class_name, is_left ? "left" : "right", at.x, at.y);
	html_put_text(graph->out,
		      cut_middle(&graph->process->model->arena, text,
				 (size_t)(room / CHARACTER_WIDTH)));
	fputs("</text>", graph->out);
}

/*
 * Beside the node; of many, in a column beside the ring, each as high as where
 * a line from the middle through its node leaves it.
 */
static void put_label(const struct graph *graph, const struct node *node)
{
	struct label label = label_of(graph, node);
	bool is_left = graph->n_nodes > 1 && node->at.x < graph->middle.x;
	double side = is_left ? -1 : 1;
	struct point at = node->at;
	at.x += side * (NODE_RADIUS + LABEL_GAP);
	if (graph->n_nodes >= MANY_NODES) {
		double outside = graph->radius + NODE_RADIUS + 3;
		double y = graph->middle.y + outside * sin(node->angle);
		double x = graph->middle.x + outside * cos(node->angle);
		at.y = y;
		at.x = graph->middle.x + side * (outside + LABEL_GAP);
		fprintf(graph->out,
			"<path class=\"leader\" d=\"M%.1f %.1fH%.1f\"/>", x, y,
			at.x - side * 4);
	}
	at.y += label.second ? -2 : 4;
	put_label_line(graph, at, is_left, label.first, "label name");
	at.y += 14;
	if (label.second)
		put_label_line(graph, at, is_left, label.second, "label");
}

static void put_title(const struct graph *graph,
		      const struct model_member *member)
{
	struct arena *arena = &graph->process->model->arena;
	const char *place = phrase_frame(
		arena, model_user_frame(
			       model_site(graph->process, member->wire.site)));
	fputs("<title>", graph->out);
	html_put_cut(graph->out,
		     arena_print(arena, "%s at 0x%" PRIx64 "%s%s",
				 phrase_member(graph->process, member),
				 member->wire.address,
				 place ? ", allocated by " : "",
				 place ? place : ""),
		     2 * HTML_NAME_COLUMNS);
	fputs("</title>", graph->out);
}

static void put_missing(const struct graph *graph, const struct node *node)
{
	fprintf(graph->out,
		"<g class=\"node missing\"><title>%" PRIu64
		" more, not in the example</title><circle cx=\"%.1f\" "
		"cy=\"%.1f\" r=\"%.0f\"/><text x=\"%.1f\" "
		"y=\"%.1f\">…</text></g>\n",
		graph->n_missing, node->at.x, node->at.y, NODE_RADIUS,
		node->at.x, node->at.y + 4);
}

static void put_node(const struct graph *graph, const struct node *node)
{
	struct arena *arena = &graph->process->model->arena;
	const struct model_member *member = node->member;
	fputs("<g class=\"node\">", graph->out);
	put_title(graph, member);
	fprintf(graph->out,
		"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.0f\"/><text "
		"class=\"index\" x=\"%.1f\" y=\"%.1f\">#%u</text><text "
		"class=\"bytes\" x=\"%.1f\" y=\"%.1f\">%s</text>",
		node->at.x, node->at.y, NODE_RADIUS, node->at.x, node->at.y - 1,
		member->wire.index, node->at.x, node->at.y + 12,
		phrase_bytes(arena, member->wire.bytes));
	fputs("</g>\n", graph->out);
}

static void put_nodes(const struct graph *graph)
{
	for (size_t i = 0; i < graph->n_nodes; i++) {
		if (graph->nodes[i].member)
			put_node(graph, &graph->nodes[i]);
		else
			put_missing(graph, &graph->nodes[i]);
	}
}

/* Returns the label of all nodes, if there are many and they have but one. */
static struct label put_labels(struct graph *graph)
{
	bool has_one = has_one_label(graph);
	if (has_one) {
		graph->by_caller = true;
		has_one = has_one_label(graph);
		graph->by_caller = !has_one;
	}
	if (has_one && graph->n_nodes >= MANY_NODES)
		return label_of(graph, &graph->nodes[0]);
	for (size_t i = 0; i < graph->n_nodes; i++)
		put_label(graph, &graph->nodes[i]);
	return (struct label){0};
}

static void put_caption(const struct graph *graph, struct label label)
{
	FILE *out = graph->out;
	uint64_t count = graph->finding->wire.count;
	fputs("<figcaption>", out);
	if (count > 1)
		fprintf(out, "One of %" PRIu64 " of this shape. ", count);
	if (label.first) {
		fputs("All blocks are from ", out);
		html_put_element(out, "code", NULL, label.first);
		fputc(' ', out);
		html_put_cut(out, label.second ? label.second : "",
			     HTML_NAME_COLUMNS);
		fputs(". ", out);
	}
	fputs("<span class=\"key\"></span> closes the cycle: without it the "
	      "cycle would be open</figcaption>",
	      out);
}

void html_put_graph(FILE *out, struct model_process *process,
		    const struct model_finding *finding)
{
	struct label label;
	struct graph graph = {
		.out = out,
		.process = process,
		.finding = finding,
		.n_edges = finding->n_edges > EDGES_MAX ? EDGES_MAX
							: finding->n_edges,
	};
	if (finding->wire.largest_blocks > finding->n_members)
		graph.n_missing =
			finding->wire.largest_blocks - finding->n_members;
	choose_nodes(&graph);
	place_nodes(&graph);
	fprintf(out,
		"<figure><svg class=\"graph\" viewBox=\"0 0 %d %.0f\" "
		"width=\"%d\" height=\"%.0f\" role=\"img\" aria-label=\"%zu "
		"blocks and %zu pointers between them, as in the tables "
		"beside it\">\n",
		WIDTH, 2 * graph.middle.y, WIDTH, 2 * graph.middle.y,
		finding->n_members, finding->n_edges);
	for (size_t i = 0; i < graph.n_nodes; i++) {
		if (!graph.nodes[i].member && graph.n_nodes > 2)
			put_gap(&graph, i);
	}
	label = put_labels(&graph);
	put_edges(&graph, false);
	put_edges(&graph, true);
	put_nodes(&graph);
	fputs("</svg>\n", out);
	put_caption(&graph, label);
	fputs("</figure>\n", out);
}
