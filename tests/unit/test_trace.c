/*
 * trace: verdicts on graphs of known shape, and the interface of tarn_trace.
 *
 * Where a verdict must be exact, the tracer starts from the words in `kept`
 * alone: what lies about on stacks would hold blocks. Nothing else in a test
 * has blocks of tarn's, so that the heap holds what the test made.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "tarn.h"
#include "trace/trace.h"

struct node {
	struct node *next;
	struct node *other;
	uintptr_t number;
};

#define NODE_BYTES 32

static struct trace trace;
static uintptr_t kept[16];

static void *new_block(size_t bytes)
{
	void *block = tarn_malloc(bytes);
	cr_assert_not_null(block);
	memset(block, 0, tarn_malloc_usable_size(block));
	return block;
}

static struct node *new_node(struct node *next)
{
	struct node *node = new_block(sizeof(*node));
	node->next = next;
	return node;
}

/* The first of N, the last of which is *LAST. */
static struct node *new_chain(size_t n, struct node **last)
{
	struct node *first = *last = new_node(NULL);
	while (--n > 0)
		first = new_node(first);
	return first;
}

static struct node *new_ring(size_t n)
{
	struct node *last;
	struct node *first = new_chain(n, &last);
	last->next = first;
	return first;
}

/* Another kind of ring: nodes with a type, of which `number` may point on. */
static struct node *new_typed_ring(size_t n)
{
	static uintptr_t type[2];
	struct node *last = new_node((void *)type), *first = last;
	while (--n > 0) {
		struct node *node = new_node((void *)type);
		node->other = first;
		first = node;
	}
	last->other = first;
	return first;
}

/* From KEPT alone. */
static void look(void)
{
	static const struct root_range range = {(uintptr_t)kept,
						(uintptr_t)(kept + 16)};
	static const struct trace_options options = {
		.root_kinds = ROOT_REGIONS,
		.regions = &range,
		.n_regions = 1,
		.wants_possible = true,
	};
	cr_assert(trace_take(&trace, &options));
}

static void expect_totals(uint64_t n_live, uint64_t n_lost, uint64_t n_possible)
{
	cr_assert_eq(trace.process.live_blocks, n_live);
	cr_assert_eq(trace.process.lost_blocks, n_lost);
	cr_assert_eq(trace.process.possible_blocks, n_possible);
	cr_assert_eq(trace.process.foreign_blocks, 0);
}

/* The finding of rank I has this verdict, and of nodes so many. */
static const struct wire_finding *expect(uint32_t i, enum wire_verdict verdict,
					 uint64_t n_own, uint64_t n_retained)
{
	cr_assert_lt(i, trace.findings.n);
	const struct wire_finding *wire = &trace_finding(&trace, i)->wire;
	cr_assert_eq(wire->verdict, verdict);
	cr_assert_eq(wire->own_blocks, n_own);
	cr_assert_eq(wire->own_bytes, n_own * NODE_BYTES);
	cr_assert_eq(wire->retained_blocks, n_retained);
	cr_assert_eq(wire->retained_bytes, n_retained * NODE_BYTES);
	return wire;
}

/* Traces, and finds nothing lost or possible among N blocks. */
static void expect_held(uint64_t n)
{
	look();
	expect_totals(n, 0, 0);
	cr_assert_eq(trace.findings.n, 0);
	trace_end(&trace);
}

static void expect_lost(uint64_t n_live, uint64_t n_lost)
{
	look();
	expect_totals(n_live, n_lost, 0);
	trace_end(&trace);
}

/* --- shapes -------------------------------------------------------------- */

Test(trace, a_heap_without_blocks_has_no_findings)
{
	look();
	expect_totals(0, 0, 0);
	cr_assert_eq(trace.findings.n, 0);
	trace_end(&trace);
	tarn_free(new_node(NULL));
	expect_held(0);
}

Test(trace, a_chain_is_a_lost_block_that_retains_the_others)
{
	struct node *last;
	new_chain(10, &last);
	look();
	expect_totals(10, 10, 0);
	cr_assert_eq(trace.findings.n, 1);
	cr_assert_eq(expect(0, WIRE_LOST, 1, 10)->owner, 0);
}

Test(trace, a_ring_is_one_cycle)
{
	new_ring(10);
	look();
	cr_assert_eq(trace.findings.n, 1);
	cr_assert_eq(expect(0, WIRE_CYCLE, 10, 10)->largest_blocks, 10);
}

Test(trace, a_block_that_points_to_itself_is_a_cycle)
{
	new_ring(1);
	look();
	cr_assert_eq(trace.findings.n, 1);
	expect(0, WIRE_CYCLE, 1, 1);
}

Test(trace, a_ring_retains_its_tail)
{
	struct node *last;
	new_ring(5)->other = new_chain(7, &last);
	look();
	cr_assert_eq(trace.findings.n, 1);
	expect(0, WIRE_CYCLE, 5, 12);
}

Test(trace, a_tail_of_two_is_shared)
{
	struct node *last;
	struct node *tail = new_chain(4, &last);
	new_ring(6)->other = tail;
	new_typed_ring(5)->number = (uintptr_t)tail;
	look();
	cr_assert_eq(trace.findings.n, 3);
	expect(0, WIRE_CYCLE, 6, 6);
	expect(1, WIRE_CYCLE, 5, 5);
	cr_assert_eq(expect(2, WIRE_SHARED, 1, 4)->owner, 0);
}

Test(trace, an_inner_cycle_is_owned_by_what_holds_it)
{
	struct node *last, *ring = new_ring(3);
	new_chain(4, &last);
	last->next = ring;
	ring->other = new_typed_ring(2);
	look();
	cr_assert_eq(trace.findings.n, 3);
	uint32_t owner = expect(0, WIRE_LOST, 1, 9)->id;
	cr_assert_eq(owner, 1);
	cr_assert_eq(expect(1, WIRE_INNER_CYCLE, 3, 5)->owner, owner);
	cr_assert_eq(expect(2, WIRE_INNER_CYCLE, 2, 2)->owner, owner);
}

/* --- findings ------------------------------------------------------------- */

Test(trace, equal_cycles_are_one_finding)
{
	for (int i = 0; i < 10000; i++)
		new_ring(3);
	look();
	cr_assert_eq(trace.findings.n, 1);
	const struct wire_finding *wire = expect(0, WIRE_CYCLE, 30000, 30000);
	cr_assert_eq(wire->count, 10000);
	cr_assert_eq(wire->largest_blocks, 3);
}

Test(trace, cycles_of_other_kinds_are_other_findings)
{
	new_ring(3);
	new_ring(4); /* no other kind of block or pointer */
	new_typed_ring(3);
	struct node *node = new_node(NULL);
	node->other = node;
	void **large = new_block(100);
	large[0] = large;
	void **shifted = new_block(100);
	shifted[1] = shifted;
	look();
	cr_assert_eq(trace.findings.n, 5);
}

Test(trace, findings_come_largest_first_and_possible_ones_last)
{
	struct node *last;
	char *inside = new_block(5000);
	kept[0] = (uintptr_t)inside + 100;
	for (int i = 0; i < 3; i++)
		new_ring(2);
	new_typed_ring(4)->number = (uintptr_t)new_chain(6, &last);
	new_node(NULL);
	look();
	cr_assert_eq(trace.findings.n, 4);
	expect(0, WIRE_CYCLE, 4, 10);
	expect(1, WIRE_CYCLE, 6, 6);
	expect(2, WIRE_LOST, 1, 1);
	const struct wire_finding *wire = &trace_finding(&trace, 3)->wire;
	cr_assert_eq(wire->verdict, WIRE_POSSIBLE);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(trace_finding(&trace, i)->wire.id, i + 1);
}

Test(trace, what_findings_without_owner_retain_is_all_that_is_lost)
{
	uint64_t sum = 0;
	for (size_t i = 1; i <= 200; i++) {
		struct node *last, *ring = new_ring(i % 7 + 1);
		struct node *inner = new_typed_ring(i % 3 + 1);
		struct node *first = new_chain(i % 5 + 1, &last);
		last->next = i % 3 == 0 ? ring : NULL;
		ring->other = i % 4 == 0 ? inner : NULL;
		first->other = i % 8 == 0 ? inner : NULL;
		first->number = i % 2 == 0 ? (uintptr_t)new_node(NULL) : 0;
	}
	look();
	for (uint32_t i = 0; i < trace.findings.n; i++) {
		const struct wire_finding *wire =
			&trace_finding(&trace, i)->wire;
		sum += wire->owner == 0 ? wire->retained_bytes : 0;
	}
	cr_assert_gt(trace.findings.n, 5);
	cr_assert_eq(trace.process.lost_blocks, trace.process.live_blocks);
	cr_assert_eq(sum, trace.process.lost_bytes);
}

Test(trace, the_example_of_a_ring_goes_round_it)
{
	new_ring(5);
	look();
	const struct example *example = trace_example(&trace, 0);
	cr_assert_eq(example->n_members, 5);
	cr_assert_eq(example->n_edges, 5);
	for (uint32_t i = 0; i < 5; i++) {
		cr_assert_eq(example->edges[i].from, i);
		cr_assert_eq(example->edges[i].to, (i + 1) % 5);
		cr_assert_eq(example->edges[i].closes, i == 4);
	}
}

/* --- deep graphs --------------------------------------------------------- */

#define DEEP 100000

static uintptr_t number_of(uint32_t c)
{
	const struct graph *graph = &trace.graph;
	uint32_t node = graph->order[graph->first_member[c]];
	return ((const struct node *)graph_block(graph, node))->number;
}

/* Two chains; the steps of the first point to those of the second. */
static void make_ladder(void)
{
	struct node *left = NULL, *right = NULL;
	for (uintptr_t i = DEEP; i-- > 0;) {
		right = new_node(right);
		left = new_node(left);
		left->other = right;
		left->number = i;
		right->number = DEEP + i;
	}
}

Test(trace, a_ladder_retains_its_second_rail_only_at_its_top)
{
	struct retained retained;
	make_ladder();
	look();
	cr_assert_eq(trace.graph.n_components, 2 * DEEP);
	cr_assert(retained_compute(&retained, &trace.graph));
	for (uint32_t c = 0; c < 2 * DEEP; c++) {
		uintptr_t i = number_of(c);
		uint32_t above = retained.dominator[c];
		if (i == 0) {
			cr_assert_eq(above, RETAINED_ROOT);
			cr_assert_eq(retained.blocks[c], 2 * DEEP);
		} else {
			cr_assert_eq(number_of(above), i < DEEP ? i - 1 : 0);
			cr_assert_eq(retained.blocks[c],
				     i < DEEP ? DEEP - i : 1);
		}
	}
}

Test(trace, a_ring_of_a_million_and_a_chain_of_a_million)
{
	struct node *last;
	new_ring(1000000)->other = new_chain(1000000, &last);
	look();
	cr_assert_eq(trace.findings.n, 1);
	expect(0, WIRE_CYCLE, 1000000, 2000000);
	cr_assert_gt(trace_example(&trace, 0)->n_edges, 0);
}

/* --- what reaches -------------------------------------------------------- */

Test(trace, a_pointer_with_a_tag_reaches)
{
	for (uintptr_t tag = 0; tag < 8; tag++)
		kept[tag] = (uintptr_t)new_node(new_node(NULL)) + tag;
	expect_held(16);
}

Test(trace, a_pointer_to_the_inside_makes_a_block_possible)
{
	struct node *node = new_node(new_ring(3));
	for (size_t inside = 8; inside < NODE_BYTES; inside++) {
		kept[0] = (uintptr_t)node + inside;
		look();
		expect_totals(4, 0, 4);
		cr_assert_eq(trace.findings.n, 1);
		cr_assert_eq(expect(0, WIRE_POSSIBLE, 1, 1)->basis,
			     WIRE_BY_INTERIOR);
		trace_end(&trace);
	}
	kept[1] = (uintptr_t)node;
	expect_held(4);
}

/* Of many, one with a neighbour behind it; all others are freed. */
static char *make_neighbours(void)
{
	char *blocks[64], *found = NULL;
	for (int i = 0; i < 64; i++)
		blocks[i] = new_block(NODE_BYTES);
	for (int i = 0; i < 64 && found == NULL; i++)
		for (int k = 0; k < 64; k++)
			if (blocks[i] + NODE_BYTES == blocks[k])
				found = blocks[i];
	cr_assert_not_null(found);
	for (int i = 0; i < 64; i++)
		if (blocks[i] != found && blocks[i] != found + NODE_BYTES)
			tarn_free(blocks[i]);
	return found;
}

Test(trace, a_root_past_the_end_makes_a_block_possible)
{
	char *block = make_neighbours();
	kept[0] = (uintptr_t)block + NODE_BYTES;
	look();
	expect_totals(2, 0, 1);
	cr_assert_eq(expect(0, WIRE_POSSIBLE, 1, 1)->basis, WIRE_BY_END);
	cr_assert_eq(trace_finding(&trace, 0)->example, (uintptr_t)block);
	trace_end(&trace);
	tarn_free(block + NODE_BYTES);
	look();
	expect_totals(1, 0, 1);
}

Test(trace, a_pointer_in_the_heap_past_the_end_of_a_block_says_nothing)
{
	char *block = make_neighbours();
	kept[0] = (uintptr_t)new_node((struct node *)(block + NODE_BYTES));
	expect_lost(3, 1);
}

Test(trace, pointers_to_the_inside_close_a_cycle)
{
	struct node *node = new_node(NULL);
	char *other = new_block(NODE_BYTES);
	node->next = (struct node *)(other + 17);
	*(void **)(other + 24) = (char *)node + NODE_BYTES - 1;
	look();
	cr_assert_eq(trace.findings.n, 1);
	expect(0, WIRE_CYCLE, 2, 2);
}

Test(trace, a_large_block_holds_by_its_first_word_and_its_last)
{
	size_t bytes = (size_t)5 << 20;
	void **large = new_block(bytes);
	kept[0] = (uintptr_t)large;
	large[0] = new_ring(2);
	large[bytes / sizeof(void *) - 1] = new_typed_ring(3);
	expect_held(6);
	kept[0] = 0;
	look();
	expect_totals(6, 6, 0);
	cr_assert_eq(trace.findings.n, 3);
	cr_assert_eq(trace_finding(&trace, 0)->wire.retained_blocks, 6);
}

/* --- freed holders ------------------------------------------------------- */

Test(trace, a_freed_block_holds_nothing)
{
	struct node *holder = new_node(new_ring(3));
	kept[0] = (uintptr_t)holder + 1;
	expect_held(4);
	tarn_free(holder);
	expect_lost(3, 3);
	tarn_purge();
	expect_lost(3, 3);
}

static void *free_one(void *block)
{
	tarn_free(block);
	return NULL;
}

Test(trace, a_block_that_another_thread_freed_holds_nothing)
{
	pthread_t thread;
	struct node *holder = new_node(new_ring(3));
	kept[0] = (uintptr_t)holder + 1;
	pthread_create(&thread, NULL, free_one, holder);
	pthread_join(thread, NULL);
	expect_lost(3, 3);
}

/* --- tarn_trace ---------------------------------------------------------- */

#define N_LOST 200

/* So many that a word left on the stack does not hold them all. */
static NOINLINE void lose_rings(void)
{
	for (int i = 0; i < N_LOST; i += 2) {
		new_ring(2);
		new_typed_ring(3);
	}
}

static int stop_after(const struct tarn_finding *finding, void *n_left)
{
	cr_assert_gt(finding->n_blocks, 0);
	cr_assert_gt(finding->own_bytes, 0);
	return --*(int *)n_left == 0;
}

Test(trace, visits_end_when_the_visitor_says_so)
{
	int n_left = 100;
	lose_rings();
	cr_assert_eq(tarn_trace(stop_after, &n_left, NULL, 0), 0);
	cr_assert_leq(n_left, 98);
	n_left = 1;
	cr_assert_eq(tarn_trace(stop_after, &n_left, NULL, 0), 0);
	cr_assert_eq(n_left, 0);
}

static int trace_within(const struct tarn_finding *finding, void *n_visits)
{
	struct tarn_trace_summary summary = {.lost_blocks = 77};
	(void)finding;
	++*(int *)n_visits;
	cr_assert_eq(tarn_trace(NULL, NULL, &summary, sizeof(summary)), -1);
	cr_assert_eq(errno, EDEADLK);
	cr_assert_eq(summary.lost_blocks, 77);
	tarn_free(tarn_malloc(100));
	return 0;
}

Test(trace, a_visitor_may_allocate_but_not_trace)
{
	int n_visits = 0;
	lose_rings();
	errno = EDOM;
	cr_assert_eq(tarn_trace(trace_within, &n_visits, NULL, 0), 0);
	cr_assert_geq(n_visits, 2);
	cr_assert_eq(errno, EDOM);
}

Test(trace, a_summary_is_filled_as_far_as_both_know_it)
{
	struct {
		struct tarn_trace_summary summary;
		uint64_t more[2];
	} longer;
	uint64_t shorter[3] = {0, 0, 77};
	lose_rings();
	memset(&longer, 0xff, sizeof(longer));
	cr_assert_eq(tarn_trace(NULL, NULL, &longer.summary, sizeof(longer)),
		     0);
	cr_assert_eq(longer.summary.live_blocks, N_LOST / 2 * 5);
	cr_assert_eq(longer.summary.live_bytes, N_LOST / 2 * 5 * NODE_BYTES);
	cr_assert_geq(longer.summary.threads, 1);
	cr_assert_eq(longer.more[0], 0);
	cr_assert_eq(longer.more[1], 0);
	cr_assert_eq(tarn_trace(NULL, NULL, (void *)shorter, 16), 0);
	cr_assert_eq(shorter[0], longer.summary.live_blocks);
	cr_assert_eq(shorter[2], 77);
	cr_assert_eq(tarn_trace(NULL, NULL, NULL, 0), 0);
}

/* --- other threads and processes ----------------------------------------- */

static bool is_over;

/* What it has it holds, in a frame or a register. */
static void *allocate_all_the_time(void *unused)
{
	void *blocks[64] = {NULL};
	for (size_t i = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); i++) {
		size_t bytes = i % 1000 == 0 ? 100000 : i * 37 % 3000 + 1;
		tarn_free(blocks[i % 64]);
		blocks[i % 64] = tarn_malloc(bytes);
		((volatile char *)blocks[i % 64])[0] = 1;
	}
	for (int i = 0; i < 64; i++)
		tarn_free(blocks[i]);
	return unused;
}

Test(trace, what_running_threads_have_is_not_lost)
{
	pthread_t threads[3];
	struct tarn_trace_summary summary;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, allocate_all_the_time, NULL);
	for (int i = 0; i < 200; i++) {
		cr_assert_eq(tarn_trace(NULL, NULL, &summary, sizeof(summary)),
			     0);
		cr_assert_geq(summary.threads, 4);
		if (summary.threads_unseen)
			break; /* the kernel did not let us */
		cr_assert_eq(summary.lost_blocks, 0);
		sched_yield();
	}
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	expect_held(0);
}

Test(trace, the_child_of_a_fork_traces_what_it_has)
{
	pthread_t thread;
	int status;
	kept[0] = (uintptr_t)new_ring(3);
	new_ring(2);
	pthread_create(&thread, NULL, allocate_all_the_time, NULL);
	pid_t child = fork();
	if (child == 0) {
		struct tarn_trace_summary summary;
		if (tarn_trace(NULL, NULL, &summary, sizeof(summary)) != 0)
			_exit(1);
		_exit(summary.live_blocks >= 5 ? 0 : 2);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	expect_lost(5, 2);
}
