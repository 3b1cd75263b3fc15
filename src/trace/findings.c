/*
 * findings: keys, groups and their order.
 */
#include "trace/findings.h"

#include "base/arith.h"
#include "base/bits.h"
#include "os/memory.h"

/* No more groups than this; what comes after falls into one for its verdict,
 * and for whether it has an owner. Some are left for those. */
#define GROUPS_MAX ((size_t)1 << 18)
#define GROUPS_LEFT 16

/* What a component is made of is told by so many of its blocks, and so many
 * kinds, at most. */
#define MEMBERS_TOLD 256
#define KINDS_MAX 64
#define OFFSETS_TOLD 4096

/* --- keys ------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = hash * UINT64_C(0x9e3779b97f4a7c15) + word + 1;
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 29;
}

/*
 * A first word that points outside the heap may point to a class's table of
 * functions. One that is no address, or points into the heap, says nothing.
 */
static uint64_t kind_of(const struct snapshot *snapshot,
			const struct trace_run *run, uint32_t slot)
{
	uint32_t site = run_site(run, slot);
	if (site != 0)
		return mix(1, site);
	uint64_t kind = mix(2, run->block_bytes);
	uintptr_t word = *(const uintptr_t *)run_block(run, slot);
	bool is_told = !run->is_guarded && word >= os_page_bytes() &&
		       word >> 47 == 0 && word % sizeof(word) == 0 &&
		       word - snapshot->low >= snapshot->n_bytes;
	return is_told ? mix(kind, word) : kind;
}

/* A set of hashes, whatever their order and number. */
struct kinds {
	uint64_t all[KINDS_MAX];
	uint32_t n;
	uint64_t sum;
};

static void add_kind(struct kinds *kinds, uint64_t kind)
{
	uint32_t i = 0;
	while (i < kinds->n && kinds->all[i] != kind)
		i++;
	if (i < kinds->n || kinds->n == KINDS_MAX)
		return;
	kinds->all[kinds->n++] = kind;
	kinds->sum += mix(3, kind);
}

static uint64_t node_kind(const struct graph *graph, uint32_t node)
{
	return kind_of(graph->snapshot, graph_run(graph, node),
		       graph_slot(graph, node));
}

/* The pointers of NODE that stay in its component. */
static void add_pointers(struct kinds *kinds, const struct graph *graph,
			 uint32_t node, uint64_t kind)
{
	const uintptr_t *words = (const uintptr_t *)graph_block(graph, node);
	size_t n = graph_run(graph, node)->is_guarded
			   ? 0
			   : min_size(graph_bytes(graph, node), OFFSETS_TOLD) /
				     sizeof(*words);
	uint32_t target;
	size_t inside;
	for (size_t i = 0; i < n; i++)
		if (graph_find(graph, words[i], &target, &inside) &&
		    graph->component_of[target] == graph->component_of[node])
			add_kind(kinds,
				 mix(mix(kind, i),
				     mix(node_kind(graph, target), inside)));
}

static uint64_t key_of(const struct graph *graph, uint32_t c, uint32_t verdict,
		       uint32_t owner)
{
	struct kinds kinds = {.n = 0};
	uint32_t first = graph->first_member[c];
	uint32_t end = graph->first_member[c + 1];
	if (end - first > MEMBERS_TOLD)
		end = first + MEMBERS_TOLD;
	for (uint32_t m = first; m < end && kinds.n < KINDS_MAX; m++) {
		uint32_t node = graph->order[m];
		uint64_t kind = node_kind(graph, node);
		add_kind(&kinds, kind);
		if (graph->flags[c] & GRAPH_CYCLE)
			add_pointers(&kinds, graph, node, kind);
	}
	return mix(mix(verdict, owner), kinds.sum);
}

/* --- groups -------------------------------------------------------------- */

/* The finding with KEY, made if it is new. */
static struct finding *find_group(struct findings *findings, uint64_t key,
				  enum wire_verdict verdict, uint32_t owner)
{
	if (findings->n + GROUPS_LEFT >= findings->n_room)
		key = 2 * (uint64_t)verdict + (owner != 0);
	size_t at = key % findings->table_size;
	while (findings->table[at] != 0) {
		struct finding *known = &findings->all[findings->table[at] - 1];
		if (known->wire.key == key)
			return known;
		at = (at + 1) % findings->table_size;
	}
	struct finding *made = &findings->all[findings->n++];
	findings->table[at] = findings->n;
	*made = (struct finding){.wire.key = key, .node = UINT32_MAX};
	made->wire.id = findings->n;
	made->wire.verdict = verdict;
	return made;
}

static enum wire_verdict verdict_of(const struct graph *graph,
				    const struct retained *retained, uint32_t c)
{
	bool is_cycle = (graph->flags[c] & GRAPH_CYCLE) != 0;
	if ((graph->flags[c] & GRAPH_HELD) == 0)
		return is_cycle ? WIRE_CYCLE : WIRE_LOST;
	if (is_cycle)
		return WIRE_INNER_CYCLE;
	return retained->dominator[c] == RETAINED_ROOT ? WIRE_SHARED : 0;
}

/* The block that tells most about a component: where the search began. */
static uint32_t first_node(const struct graph *graph, uint32_t c)
{
	return graph->order[graph->first_member[c + 1] - 1];
}

static void add_component(struct findings *findings, const struct graph *graph,
			  const struct retained *retained, uint32_t c,
			  uint32_t *group_of)
{
	uint32_t verdict = verdict_of(graph, retained, c);
	uint32_t top = retained->top[c];
	uint32_t owner = top == c ? 0 : group_of[top];
	if (verdict == 0)
		return;
	struct finding *finding = find_group(
		findings, key_of(graph, c, verdict, owner), verdict, owner);
	struct wire_finding *wire = &finding->wire;
	uint32_t node = first_node(graph, c);
	uint64_t own_bytes = 0;
	for (uint32_t m = graph->first_member[c];
	     m < graph->first_member[c + 1]; m++)
		own_bytes += graph_bytes(graph, graph->order[m]);
	uint64_t n = graph->first_member[c + 1] - graph->first_member[c];
	if (wire->count == 0) {
		finding->node = node;
		finding->example = graph_block(graph, node);
		wire->site = run_site(graph_run(graph, node),
				      graph_slot(graph, node));
		wire->owner = owner;
	}
	wire->count++;
	wire->own_blocks += n;
	wire->own_bytes += own_bytes;
	wire->retained_blocks += retained->blocks[c];
	wire->retained_bytes += retained->bytes[c];
	wire->largest_blocks = max_size(wire->largest_blocks, n);
	group_of[c] = wire->id;
}

bool findings_add_lost(struct findings *findings, const struct graph *graph,
		       const struct retained *retained)
{
	uint32_t *group_of =
		work_take(findings->work, (size_t)graph->n_components + 1,
			  sizeof(*group_of));
	if (group_of == NULL)
		return false;
	/* From those that hold to those that are held. */
	for (uint32_t c = graph->n_components; c-- > 0;)
		add_component(findings, graph, retained, c, group_of);
	return true;
}

static void add_block(struct findings *findings, const struct trace_run *run,
		      uint32_t slot, enum wire_verdict verdict,
		      enum wire_basis basis)
{
	uint64_t kind = kind_of(findings->snapshot, run, slot);
	struct finding *finding = find_group(
		findings, mix(mix(kind, verdict), basis), verdict, 0);
	struct wire_finding *wire = &finding->wire;
	if (wire->count == 0) {
		finding->example = run_block(run, slot);
		wire->site = run_site(run, slot);
		wire->basis = basis;
		wire->largest_blocks = 1;
	}
	wire->count++;
	wire->own_blocks++;
	wire->retained_blocks++;
	wire->own_bytes += run->block_bytes;
	wire->retained_bytes += run->block_bytes;
}

void findings_add_blocks(struct findings *findings, const uint64_t *bits,
			 enum wire_verdict verdict, enum wire_basis basis)
{
	for (uint32_t i = 1; i <= findings->snapshot->n_runs; i++) {
		const struct trace_run *run = &findings->snapshot->runs[i];
		for (size_t w = 0; w < run_words(run); w++) {
			uint64_t word = bits[run->first_bit / 64 + w];
			for (; word != 0; word &= word - 1)
				add_block(findings, run,
					  (uint32_t)(w * 64 +
						     (unsigned)__builtin_ctzll(
							     word)),
					  verdict, basis);
		}
	}
}

bool findings_begin(struct findings *findings, const struct snapshot *snapshot,
		    uint64_t n_blocks)
{
	size_t n_room = GROUPS_LEFT + 1 + min_size(n_blocks, GROUPS_MAX);
	*findings = (struct findings){
		.work = snapshot->work,
		.snapshot = snapshot,
		.n_room = n_room,
		.table_size = 2 * n_room,
		.all = work_take(snapshot->work, n_room,
				 sizeof(*findings->all)),
		.table = work_take(snapshot->work, 2 * n_room,
				   sizeof(*findings->table)),
	};
	return !snapshot->work->has_failed;
}

/* --- order --------------------------------------------------------------- */

static bool is_before(const struct finding *a, const struct finding *b)
{
	bool a_lost = a->wire.verdict < WIRE_POSSIBLE;
	bool b_lost = b->wire.verdict < WIRE_POSSIBLE;
	if (a_lost != b_lost)
		return a_lost;
	if (a->wire.retained_bytes != b->wire.retained_bytes)
		return a->wire.retained_bytes > b->wire.retained_bytes;
	return a->wire.id < b->wire.id;
}

/* Lets the number at I sink in a heap whose last comes first. */
static void sink(struct findings *findings, uint32_t i, uint32_t n)
{
	uint32_t *ranks = findings->by_rank;
	for (;;) {
		uint32_t last = i;
		for (uint32_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < n &&
			    is_before(&findings->all[ranks[last]],
				      &findings->all[ranks[child]]))
				last = child;
		if (last == i)
			return;
		uint32_t other = ranks[i];
		ranks[i] = ranks[last];
		ranks[last] = other;
		i = last;
	}
}

bool findings_rank(struct findings *findings)
{
	uint32_t n = findings->n;
	uint32_t *new_id =
		work_take(findings->work, (size_t)n + 1, sizeof(*new_id));
	findings->by_rank = work_take(findings->work, (size_t)n + 1,
				      sizeof(*findings->by_rank));
	if (new_id == NULL || findings->by_rank == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		findings->by_rank[i] = i;
	for (uint32_t i = n / 2; i-- > 0;)
		sink(findings, i, n);
	for (uint32_t end = n; end-- > 1;) {
		uint32_t first = findings->by_rank[0];
		findings->by_rank[0] = findings->by_rank[end];
		findings->by_rank[end] = first;
		sink(findings, 0, end);
	}
	for (uint32_t i = 0; i < n; i++)
		new_id[findings->by_rank[i] + 1] = i + 1;
	for (uint32_t i = 0; i < n; i++) {
		struct wire_finding *wire = &findings->all[i].wire;
		wire->owner = new_id[wire->owner];
	}
	for (uint32_t i = 0; i < n; i++)
		findings->all[findings->by_rank[i]].wire.id = i + 1;
	return true;
}
