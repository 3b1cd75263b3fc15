/*
 * oracle: the tracer's verdicts on random graphs are exact.
 *
 * All that the tracer may start from is a range of words that the model knows,
 * so that nothing depends on what lies about on stacks. A second trace starts
 * from everything, and may find less. When all blocks are freed none may be
 * live, whatever the magazines still hold.
 */
#include "oracle.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "tarn.h"
#include "trace/trace.h"

/* A sanitizer maps terabytes, which are roots like all else. */
#ifdef __has_feature
#define HAS_SHADOW                                                             \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SHADOW 1
#else
#define HAS_SHADOW 0
#endif

#define TAKEN_MAX 128
#define TINY_BLOCKS 64
#define TINY_ROUNDS 25 /* for each large one */
#define EXAMPLES_MAX 20

static struct settings {
	uint64_t seed;
	uint32_t blocks;
	uint32_t rounds;
} settings = {.seed = 1, .blocks = 1000000, .rounds = 24};

static struct random random_state;
static uint64_t round_seed;
static uint32_t round_blocks;
static struct trace trace;

_Noreturn void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fflush(stdout);
	fprintf(stderr, "oracle: seed %#llx, %u blocks: ",
		(unsigned long long)round_seed, round_blocks);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

static void *taken[TAKEN_MAX];
static size_t n_taken;

void *take(size_t n, size_t bytes)
{
	void *at = calloc(n + 1, bytes);
	if (at == NULL || n_taken == TAKEN_MAX)
		fail("no memory");
	taken[n_taken++] = at;
	return at;
}

void give_all(void)
{
	while (n_taken > 0)
		free(taken[--n_taken]);
}

static void expect(const char *what, uint64_t found, uint64_t right)
{
	if (found != right)
		fail("%s: %llu, not %llu", what, (unsigned long long)found,
		     (unsigned long long)right);
}

/* --- blocks --------------------------------------------------------------- */

static void check_totals(const struct answer *answer)
{
	const struct wire_process *process = &trace.process;
	uint64_t n_live = 0, live_bytes = 0;
	for (enum fate fate = HELD; fate <= LOST; fate++) {
		n_live += answer->n[fate];
		live_bytes += answer->bytes[fate];
	}
	expect("live blocks", process->live_blocks, n_live);
	expect("live bytes", process->live_bytes, live_bytes);
	expect("lost blocks", process->lost_blocks, answer->n[LOST]);
	expect("lost bytes", process->lost_bytes, answer->bytes[LOST]);
	expect("possible blocks", process->possible_blocks,
	       answer->n[POSSIBLE]);
	expect("possible bytes", process->possible_bytes,
	       answer->bytes[POSSIBLE]);
	expect("foreign blocks", process->foreign_blocks, 0);
}

/* The bits of every block. */
static void check_bits(const struct model *model, const struct answer *answer)
{
	const struct mark *mark = &trace.mark;
	for (uint32_t i = 0; i < model->n_blocks; i++) {
		struct place place;
		enum fate fate = answer->fate[i];
		bool is_found = snapshot_find(&trace.snapshot,
					      address_of(model, i), &place);
		bool is_live =
			is_found && bits_test(trace.snapshot.live, place.bit);
		expect("a block is live", is_live, fate != FREED);
		if (!is_live)
			continue;
		expect("bytes inside at the start", place.inside, 0);
		expect("a block is lost", bits_test(mark->unreached, place.bit),
		       fate == LOST);
		expect("a pointer to its inside alone",
		       bits_test(mark->interior, place.bit),
		       answer->is_inside[i]);
		expect("a pointer past its end alone",
		       bits_test(mark->past_end, place.bit), answer->is_end[i]);
	}
}

/* --- the graph ------------------------------------------------------------ */

/* The answer's component of each of the tracer's, and the other way. */
struct pairs {
	uint32_t *ours, *theirs;
};

static void pair(struct pairs *pairs, uint32_t ours, uint32_t theirs)
{
	if (pairs->ours[theirs] == NONE && pairs->theirs[ours] == NONE) {
		pairs->ours[theirs] = ours;
		pairs->theirs[ours] = theirs;
	}
	if (pairs->ours[theirs] != ours || pairs->theirs[ours] != theirs)
		fail("component %u is not the oracle's %u", theirs, ours);
}

static struct pairs check_components(const struct model *model,
				     const struct answer *answer)
{
	const struct graph *graph = &trace.graph;
	uint32_t n = answer->n_components;
	struct pairs pairs = {take(n, sizeof(uint32_t)),
			      take(n, sizeof(uint32_t))};
	expect("nodes", graph->n_nodes, answer->n[LOST]);
	expect("components", graph->n_components, n);
	memset(pairs.ours, 0xff, n * sizeof(uint32_t));
	memset(pairs.theirs, 0xff, n * sizeof(uint32_t));
	for (uint32_t node = 0; node < graph->n_nodes; node++) {
		uint32_t block = model_find(model, graph_block(graph, node));
		if (block == NONE || answer->fate[block] != LOST)
			fail("node %u is no lost block", node);
		expect("bytes of a block", graph_bytes(graph, node),
		       model->bytes[block]);
		pair(&pairs, answer->component_of[block],
		     graph->component_of[node]);
	}
	return pairs;
}

static void check_retained(const struct answer *answer,
			   const struct pairs *pairs)
{
	const struct graph *graph = &trace.graph;
	struct retained retained;
	if (!retained_compute(&retained, graph))
		fail("no memory to compute again");
	for (uint32_t c = 0; c < graph->n_components; c++) {
		const struct component *right =
			&answer->components[pairs->ours[c]];
		uint32_t above = retained.dominator[c];
		expect("has a cycle", (graph->flags[c] & GRAPH_CYCLE) != 0,
		       right->is_cycle);
		expect("is held", (graph->flags[c] & GRAPH_HELD) != 0,
		       right->is_held);
		expect("own blocks",
		       graph->first_member[c + 1] - graph->first_member[c],
		       right->own_blocks);
		expect("dominator",
		       above == RETAINED_ROOT ? NONE : pairs->ours[above],
		       right->dominator);
		expect("retained blocks", retained.blocks[c], right->blocks);
		expect("retained bytes", retained.bytes[c], right->bytes);
	}
}

/* --- findings --------------------------------------------------------- */

struct total {
	uint64_t count, own_blocks, own_bytes, blocks, bytes;
};

#define N_VERDICTS (WIRE_FOREIGN + 1)

static enum wire_verdict verdict_of(const struct component *component)
{
	if (!component->is_held)
		return component->is_cycle ? WIRE_CYCLE : WIRE_LOST;
	if (component->is_cycle)
		return WIRE_INNER_CYCLE;
	return component->dominator == NONE ? WIRE_SHARED : 0;
}

static void add_answer(struct total totals[N_VERDICTS],
		       const struct answer *answer)
{
	for (uint32_t c = 0; c < answer->n_components; c++) {
		const struct component *component = &answer->components[c];
		struct total *total = &totals[verdict_of(component)];
		total->count++;
		total->own_blocks += component->own_blocks;
		total->own_bytes += component->own_bytes;
		total->blocks += component->blocks;
		total->bytes += component->bytes;
	}
}

/* Largest retained first, those of lost blocks before others. */
static void check_order(const struct wire_finding *finding,
			const struct wire_finding *next)
{
	bool is_lost = finding->verdict < WIRE_POSSIBLE;
	if (is_lost != (next->verdict < WIRE_POSSIBLE)) {
		expect("lost ones come first", is_lost, 1);
		return;
	}
	if (finding->retained_bytes < next->retained_bytes)
		fail("finding %u comes before a larger one", finding->id);
}

/* The owner is a finding without one. */
static void check_owner(const struct wire_finding *finding)
{
	if (finding->owner == 0)
		return;
	expect("an owned finding is an inner cycle", finding->verdict,
	       WIRE_INNER_CYCLE);
	if (finding->owner > trace.findings.n)
		fail("finding %u has no such owner", finding->id);
	expect("the owner's owner",
	       trace_finding(&trace, finding->owner - 1)->wire.owner, 0);
}

/* One finding's blocks each for those that pointers lead to. */
static void check_possible(const struct model *model,
			   const struct answer *answer)
{
	uint64_t found[WIRE_BY_MAPPING + 1] = {0}, n_inside = 0, n_end = 0;
	for (uint32_t i = 0; i < trace.findings.n; i++) {
		const struct wire_finding *wire =
			&trace_finding(&trace, i)->wire;
		if (wire->verdict >= WIRE_POSSIBLE)
			found[wire->basis] += wire->count;
	}
	for (uint32_t i = 0; i < model->n_blocks; i++) {
		n_inside += answer->is_inside[i];
		n_end += answer->is_end[i];
	}
	expect("blocks held by their inside", found[WIRE_BY_INTERIOR],
	       n_inside);
	expect("blocks held by their end", found[WIRE_BY_END], n_end);
}

static void check_findings(const struct answer *answer)
{
	struct total right[N_VERDICTS] = {{0}}, found[N_VERDICTS] = {{0}};
	uint64_t without_owner = 0;
	for (uint32_t i = 0; i < trace.findings.n; i++) {
		const struct wire_finding *wire =
			&trace_finding(&trace, i)->wire;
		struct total *total = &found[wire->verdict];
		expect("id", wire->id, i + 1);
		total->count += wire->count;
		total->own_blocks += wire->own_blocks;
		total->own_bytes += wire->own_bytes;
		total->blocks += wire->retained_blocks;
		total->bytes += wire->retained_bytes;
		if (wire->verdict < WIRE_POSSIBLE && wire->owner == 0)
			without_owner += wire->retained_bytes;
		if (i > 0)
			check_order(&trace_finding(&trace, i - 1)->wire, wire);
		check_owner(wire);
	}
	add_answer(right, answer);
	for (int v = WIRE_LOST; v <= WIRE_SHARED; v++) {
		expect("count", found[v].count, right[v].count);
		expect("own blocks", found[v].own_blocks, right[v].own_blocks);
		expect("own bytes", found[v].own_bytes, right[v].own_bytes);
		expect("retained blocks", found[v].blocks, right[v].blocks);
		expect("retained bytes", found[v].bytes, right[v].bytes);
	}
	expect("sum of what is retained", without_owner, answer->bytes[LOST]);
}

/* Its pointers are where it says, and one of a cycle closes it. */
static void check_example(uint32_t i)
{
	const struct example *example = trace_example(&trace, i);
	enum wire_verdict verdict = trace_finding(&trace, i)->wire.verdict;
	bool is_closed = false;
	if (example->n_members == 0)
		fail("finding %u has no example", i + 1);
	for (uint32_t e = 0; e < example->n_edges; e++) {
		const struct wire_edge *edge = &example->edges[e];
		uint64_t from = example->members[edge->from].wire.address;
		uint64_t to = example->members[edge->to].wire.address;
		expect("a pointer of an example",
		       *(const uintptr_t *)(uintptr_t)(from + edge->offset),
		       to + edge->to_offset);
		is_closed |= edge->closes != 0;
	}
	/* What closes it may be beyond the last pointer that is shown. */
	if ((verdict == WIRE_CYCLE || verdict == WIRE_INNER_CYCLE) &&
	    example->n_edges < EXAMPLE_EDGES_MAX)
		expect("the example of a cycle is closed", is_closed, 1);
}

/* --- rounds --------------------------------------------------------------- */

static void take_trace(const struct model *model, unsigned kinds)
{
	struct root_range range = {
		(uintptr_t)model->roots,
		(uintptr_t)(model->roots + model->n_roots),
	};
	struct trace_options options = {
		.root_kinds = kinds,
		.regions = &range,
		.n_regions = 1,
		.wants_possible = true,
	};
	if (!trace_take(&trace, &options))
		fail("the trace had no memory");
}

/* From everything: no block may be lost that is not. */
static void check_from_all(const struct model *model,
			   const struct answer *answer)
{
	take_trace(model, ROOT_ALL);
	for (uint32_t node = 0; node < trace.graph.n_nodes; node++) {
		uint32_t block =
			model_find(model, graph_block(&trace.graph, node));
		if (block == NONE || answer->fate[block] != LOST)
			fail("a block is lost only from all roots");
	}
	trace_end(&trace);
}

static void check_freed(struct model *model)
{
	model_free(model);
	take_trace(model, ROOT_REGIONS);
	expect("live blocks when all are freed", trace.process.live_blocks, 0);
	trace_end(&trace);
}

static void run_round(uint64_t seed, uint32_t n_blocks)
{
	struct model model;
	struct answer answer;
	struct random random = {seed};
	round_seed = seed;
	round_blocks = n_blocks;
	model_draw(&model, &random, n_blocks);
	model_build(&model, &random);
	take_trace(&model, ROOT_REGIONS);
	answer_find(&answer, &model);
	check_totals(&answer);
	check_bits(&model, &answer);
	struct pairs pairs = check_components(&model, &answer);
	check_retained(&answer, &pairs);
	check_findings(&answer);
	check_possible(&model, &answer);
	for (uint32_t i = 0; i < trace.findings.n && i < EXAMPLES_MAX; i++)
		check_example(i);
	if (n_blocks > TINY_BLOCKS)
		printf("oracle: seed %#llx, %u blocks: %llu possible, %llu "
		       "lost, %u components, %u findings\n",
		       (unsigned long long)seed, n_blocks,
		       (unsigned long long)answer.n[POSSIBLE],
		       (unsigned long long)answer.n[LOST], answer.n_components,
		       trace.findings.n);
	trace_end(&trace);
	if (!HAS_SHADOW)
		check_from_all(&model, &answer);
	check_freed(&model);
	give_all();
}

static void run(void)
{
	for (uint32_t i = 0; i < settings.rounds; i++) {
		for (uint32_t k = 0; k < TINY_ROUNDS; k++)
			run_round(random_next(&random_state),
				  (uint32_t)random_between(&random_state, 1,
							   TINY_BLOCKS));
		uint32_t n_blocks = (uint32_t)random_by_doubling(
			&random_state, 1, settings.blocks);
		run_round(random_next(&random_state),
			  i == 0 ? settings.blocks : n_blocks);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"blocks", required_argument, NULL, 'b'},
		{"rounds", required_argument, NULL, 'r'},
		{"round", required_argument, NULL, 'o'},
		{0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t number =
			optarg == NULL ? 0 : strtoull(optarg, NULL, 0);
		if (option == 's') {
			settings.seed = number;
		} else if (option == 'b' && number > 0) {
			settings.blocks = (uint32_t)number;
		} else if (option == 'r') {
			settings.rounds = (uint32_t)number;
		} else if (option == 'o') {
			/* One round again, with the seed it had. */
			run_round(number, settings.blocks);
			settings.rounds = 0;
		} else {
			fputs("usage: oracle [--seed N] [--blocks N] "
			      "[--rounds N] [--round SEED]\n",
			      stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	random_state.state = settings.seed;
	printf("oracle: seed %#llx, %u rounds of at most %u blocks\n",
	       (unsigned long long)settings.seed, settings.rounds,
	       settings.blocks);
	run();
	return 0;
}
