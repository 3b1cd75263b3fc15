/*
 * generations: what traces of each generation find.
 *
 * Where a verdict must be exact, the tracer starts from the words in `kept`
 * alone, as in test_trace.c. Not every kernel tells what these tests need: then
 * they are skipped.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tarn.h"
#include "trace/trace.h"

#define NODE_BYTES 32

struct node {
	struct node *next;
	struct node *other;
};

static struct trace trace;
static struct generation_look last;
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
	struct node *node = new_block(NODE_BYTES);
	node->next = next;
	return node;
}

static struct node *new_ring(size_t n)
{
	struct node *last_node = new_node(NULL), *first = last_node;
	while (--n > 0)
		first = new_node(first);
	last_node->next = first;
	return first;
}

static void take(enum generation generation, bool only_new)
{
	static const struct root_range range = {(uintptr_t)kept,
						(uintptr_t)(kept + 16)};
	last = (struct generation_look){.generation = generation,
					.only_new = only_new};
	struct trace_options options = {
		.root_kinds = ROOT_REGIONS,
		.regions = &range,
		.n_regions = 1,
		.wants_possible = true,
		.look = &last,
	};
	cr_assert(trace_take(&trace, &options));
	if (last.is_blind && generation != GENERATION_OLD)
		cr_skip_test("the kernel does not tell what was written");
}

/* Traces, and finds N_LOST blocks, of which N_NEW were not found before. */
static void expect(enum generation generation, uint64_t n_lost, uint64_t n_new)
{
	take(generation, false);
	cr_assert_eq(last.judged, generation);
	cr_assert_eq(trace.process.lost_blocks, n_lost);
	cr_assert_eq(last.new_blocks, n_new);
	trace_end(&trace);
}

static void expect_found(enum generation generation, uint64_t n)
{
	expect(generation, n, n);
}

static void make_old(void)
{
	expect(GENERATION_OLD, 0, 0);
}

/* --- generations ---------------------------------------------------------- */

Test(generations, the_first_trace_is_full)
{
	new_ring(3);
	take(GENERATION_YOUNG, false);
	cr_assert_eq(last.judged, GENERATION_OLD);
	cr_assert_eq(last.judged_blocks, 3);
	cr_assert_eq(trace.process.lost_blocks, 3);
}

Test(generations, a_young_trace_finds_young_blocks_and_cycles)
{
	kept[0] = (uintptr_t)new_node(new_node(NULL));
	make_old();
	kept[1] = (uintptr_t)new_node(NULL);
	new_ring(3);
	new_node(NULL);
	take(GENERATION_YOUNG, false);
	cr_assert_eq(last.judged_blocks, 5);
	cr_assert_eq(trace.process.lost_blocks, 4);
	cr_assert_eq(trace.findings.n, 2);
	cr_assert_eq(trace_finding(&trace, 0)->wire.verdict, WIRE_CYCLE);
	cr_assert_eq(trace_finding(&trace, 1)->wire.verdict, WIRE_LOST);
	trace_end(&trace);
	expect(GENERATION_YOUNG, 0, 0);
}

Test(generations, an_old_block_is_found_by_an_old_trace_only)
{
	kept[0] = (uintptr_t)new_ring(2);
	make_old();
	kept[0] = 0;
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_MIDDLE, 0, 0);
	expect_found(GENERATION_OLD, 2);
	expect(GENERATION_OLD, 2, 0);
}

Test(generations, a_block_of_the_middle_is_found_by_a_middle_trace)
{
	make_old();
	kept[0] = (uintptr_t)new_ring(2);
	expect(GENERATION_YOUNG, 0, 0);
	kept[0] = 0;
	expect(GENERATION_YOUNG, 0, 0);
	expect_found(GENERATION_MIDDLE, 2);
	expect(GENERATION_MIDDLE, 0, 0);
}

Test(generations, what_was_found_before_is_not_new)
{
	make_old();
	new_ring(3);
	expect_found(GENERATION_YOUNG, 3);
	new_node(NULL);
	take(GENERATION_MIDDLE, true);
	cr_assert_eq(last.new_blocks, 1);
	cr_assert_eq(trace.process.lost_blocks, 1);
	cr_assert_eq(trace.findings.n, 1);
	trace_end(&trace);
	take(GENERATION_OLD, true);
	cr_assert_eq(trace.findings.n, 0);
	trace_end(&trace);
	expect(GENERATION_OLD, 4, 0);
}

/* --- old blocks that hold young ones -------------------------------------- */

Test(generations, a_written_old_block_holds_a_young_one)
{
	struct node *old = new_node(NULL);
	kept[0] = (uintptr_t)old;
	make_old();
	old->next = new_node(new_node(NULL));
	expect(GENERATION_YOUNG, 0, 0);
	old->other = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	new_node(NULL);
	expect_found(GENERATION_YOUNG, 1);
	old->next = old->other = NULL;
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_OLD, 4, 3);
}

Test(generations, what_was_written_before_a_young_trace_counts_for_a_middle_one)
{
	struct node *old = new_node(NULL);
	kept[0] = (uintptr_t)old;
	make_old();
	old->next = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_MIDDLE, 0, 0);
	old->next = NULL;
	expect(GENERATION_MIDDLE, 0, 0);
	expect_found(GENERATION_OLD, 1);
}

Test(generations, a_large_old_block_holds_from_each_of_its_pages)
{
	size_t n = ((size_t)3 << 20) / sizeof(void *);
	/* A new arena on the way would count as written. */
	tarn_free(tarn_malloc((size_t)16 << 20));
	void **large = new_block(n * sizeof(*large));
	kept[0] = (uintptr_t)large;
	make_old();
	for (size_t i = 511; i < n; i += 50001) {
		large[i] = new_node(NULL);
		expect(GENERATION_YOUNG, 0, 0);
		cr_assert_leq(last.written_pages, 8);
	}
	kept[0] = 0;
	take(GENERATION_OLD, false);
	cr_assert_eq(trace.process.lost_blocks, trace.process.live_blocks);
}

Test(generations, a_block_that_spans_pages_holds_from_the_second)
{
	char *blocks[40];
	for (int i = 0; i < 40; i++) {
		blocks[i] = new_block(3000);
		*(char **)blocks[i] = i == 0 ? NULL : blocks[i - 1];
	}
	kept[0] = (uintptr_t)blocks[39];
	make_old();
	for (int i = 0; i < 40; i++) {
		*(struct node **)(blocks[i] + 2992) = new_node(NULL);
		expect(GENERATION_YOUNG, 0, 0);
	}
}

/* --- addresses that are used again ---------------------------------------- */

Test(generations, where_a_block_lay_before_an_old_trace_judges)
{
	struct node *node = new_node(NULL);
	kept[0] = (uintptr_t)node;
	make_old();
	tarn_free(node);
	kept[0] = 0;
	cr_assert_eq(new_node(NULL), node);
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_MIDDLE, 0, 0);
	expect_found(GENERATION_OLD, 1);
}

/* The program leaves a pointer as it is because it is right again. */
Test(generations, a_pointer_that_has_become_right_again_holds)
{
	struct node *holder = new_node(NULL);
	kept[0] = (uintptr_t)holder;
	holder->next = new_node(NULL);
	make_old();
	struct node *node = holder->next;
	tarn_free(node);
	expect(GENERATION_YOUNG, 0, 0);
	cr_assert_eq(new_node(NULL), node);
	expect(GENERATION_YOUNG, 0, 0);
	expect(GENERATION_OLD, 0, 0);
}

/* The same where no block has ever lain at a trace. */
Test(generations, a_pointer_to_what_was_free_holds_what_comes_there)
{
	struct node *holder = new_node(NULL);
	kept[0] = (uintptr_t)holder;
	struct node *node = new_node(NULL);
	holder->next = node;
	tarn_free(node);
	make_old();
	cr_assert_eq(new_node(NULL), node);
	expect(GENERATION_YOUNG, 0, 0);
	holder->next = NULL;
	expect(GENERATION_YOUNG, 0, 0);
	expect_found(GENERATION_OLD, 1);
}

Test(generations, a_large_block_is_found_where_none_was)
{
	make_old();
	new_block((size_t)5 << 20);
	expect_found(GENERATION_YOUNG, 1);
}

Test(generations, a_large_block_that_has_moved_holds_and_is_held)
{
	size_t bytes = (size_t)4 << 20;
	void **large = new_block(bytes);
	kept[0] = (uintptr_t)large;
	make_old();
	large[7] = new_node(NULL);
	void *wall = tarn_malloc(bytes);
	large = tarn_realloc(large, bytes * 16);
	cr_assert_not_null(large);
	kept[0] = (uintptr_t)large;
	kept[1] = (uintptr_t)wall;
	expect(GENERATION_YOUNG, 0, 0);
	large[bytes] = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	large[7] = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	large = tarn_realloc(large, bytes / 2);
	kept[0] = (uintptr_t)large;
	large[8] = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
}

Test(generations, a_purged_page_holds_nothing_and_is_written_again)
{
	struct node *nodes[2000];
	for (int i = 0; i < 2000; i++)
		nodes[i] = new_node(NULL);
	kept[0] = (uintptr_t)nodes[1999];
	for (int i = 0; i < 1999; i++)
		tarn_free(nodes[i]);
	make_old();
	tarn_purge();
	expect(GENERATION_YOUNG, 0, 0);
	for (int i = 0; i < 2000; i++)
		nodes[1999]->next = new_node(nodes[1999]->next);
	expect(GENERATION_YOUNG, 0, 0);
}

/* --- the permanent generation --------------------------------------------- */

Test(generations, frozen_blocks_are_roots_and_not_judged)
{
	struct node *ring = new_ring(4);
	new_block((size_t)1 << 20);
	cr_assert_eq(tarn_freeze(), 0);
	cr_assert_eq(tarn_freeze_count_get(), 5);
	expect(GENERATION_OLD, 0, 0);
	cr_assert_eq(last.judged_blocks, 0);
	ring->other = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	new_node(NULL);
	expect_found(GENERATION_YOUNG, 1);
	cr_assert_eq(tarn_unfreeze(), 0);
	cr_assert_eq(tarn_freeze_count_get(), 0);
	expect(GENERATION_OLD, 7, 6);
}

Test(generations, what_is_freed_is_frozen_no_more)
{
	struct node *node = new_node(NULL);
	kept[0] = (uintptr_t)node;
	cr_assert_eq(tarn_freeze(), 0);
	tarn_free(node);
	make_old();
	cr_assert_eq(tarn_freeze_count_get(), 0);
	kept[0] = 0;
	cr_assert_eq(new_node(NULL), node);
	expect_found(GENERATION_OLD, 1);
}

/* --- other processes and kernels ------------------------------------------ */

static int end_of(pid_t child)
{
	int status = -1;
	cr_assert_eq(waitpid(child, &status, 0), child);
	return status;
}

Test(generations, the_child_of_a_fork_starts_anew)
{
	kept[0] = (uintptr_t)new_node(NULL);
	make_old();
	new_ring(2);
	expect_found(GENERATION_YOUNG, 2);
	pid_t child = fork();
	if (child == 0) {
		struct tarn_generation_stats stats;
		struct node *node = (struct node *)kept[0];
		take(GENERATION_YOUNG, false);
		if (last.judged != GENERATION_OLD || last.new_blocks != 2)
			_exit(1);
		trace_end(&trace);
		node->next = new_node(NULL);
		new_node(NULL);
		take(GENERATION_YOUNG, false);
		if (last.judged != GENERATION_YOUNG || last.new_blocks != 1)
			_exit(2);
		trace_end(&trace);
		tarn_generation_stats_get(TARN_OLD, &stats, sizeof(stats));
		_exit(stats.traces != 0 ? 3 : 0);
	}
	cr_assert_eq(end_of(child), 0);
	((struct node *)kept[0])->next = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
}

static int find_userfaultfd(void)
{
	char path[64], name[64];
	for (int fd = 3; fd < 1100; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(path, name, sizeof(name) - 1);
		name[n > 0 ? n : 0] = '\0';
		if (strstr(name, "userfaultfd") != NULL)
			return fd;
	}
	return -1;
}

Test(generations, the_descriptor_is_out_of_the_way_and_not_inherited)
{
	cr_assert_eq(find_userfaultfd(), -1);
	make_old();
	expect(GENERATION_YOUNG, 0, 0);
	int fd = find_userfaultfd();
	cr_assert_geq(fd, 1000);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	for (int i = 3; i < 100; i++)
		cr_assert_neq(i, fd);
}

/* As daemons do. Another file may get the number. */
Test(generations, a_program_may_close_the_descriptor)
{
	struct node *old = new_node(NULL);
	kept[0] = (uintptr_t)old;
	make_old();
	expect(GENERATION_YOUNG, 0, 0);
	int fd = find_userfaultfd();
	close(fd);
	cr_assert_eq(dup2(STDERR_FILENO, fd), fd);
	old->next = new_node(NULL);
	expect(GENERATION_YOUNG, 0, 0);
	cr_assert_geq(fcntl(fd, F_GETFD), 0);
	new_node(NULL);
	expect_found(GENERATION_YOUNG, 1);
}
