/*
 * look: what further looks confirm, groups of held blocks, and the way from a
 * root to a block.
 *
 * As in test_trace.c, the tracer starts from `kept` alone.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tarn.h"
#include "trace/trace.h"
#include "trace/who.h"

#define NODE_BYTES 32

struct node {
	struct node *next;
	uintptr_t more[3];
};

static struct trace trace;
static uintptr_t kept[16];
static const struct root_range range = {(uintptr_t)kept,
					(uintptr_t)(kept + 16)};

static struct node *new_node(struct node *next)
{
	struct node *node = tarn_calloc(1, sizeof(*node));
	cr_assert_not_null(node);
	node->next = next;
	return node;
}

static struct trace_options from_kept(void)
{
	return (struct trace_options){
		.root_kinds = ROOT_REGIONS,
		.regions = &range,
		.n_regions = 1,
	};
}

static void look_again(const uint64_t *known, size_t n)
{
	struct trace_options options = from_kept();
	options.n_looks = 1;
	options.known = known;
	options.n_known = n;
	cr_assert(trace_take(&trace, &options));
}

/* --- confirmation ------------------------------------------------------- */

Test(look, what_was_not_lost_before_is_not_lost)
{
	new_node(new_node(NULL));
	look_again(NULL, 0);
	cr_expect_eq(trace.process.lost_blocks, 0);
	cr_expect_eq(trace.process.unconfirmed_blocks, 2);
	cr_expect_eq(trace.process.unconfirmed_bytes, 2 * NODE_BYTES);
	cr_expect_eq(trace.process.n_looks, 2);
	cr_expect_eq(trace.findings.n, 0);
	trace_end(&trace);
}

Test(look, what_was_lost_before_and_is_lost_is_lost)
{
	struct node *first = new_node(NULL), *second = new_node(first);
	first->next = second;
	new_node(NULL);
	const uint64_t known[] = {(uintptr_t)first, (uintptr_t)second};
	look_again(known, 2);
	cr_expect_eq(trace.process.lost_blocks, 2);
	cr_expect_eq(trace.process.unconfirmed_blocks, 1);
	cr_assert_eq(trace.findings.n, 1);
	cr_expect_eq(trace_wire(&trace, 0)->verdict, WIRE_CYCLE);
	trace_end(&trace);
}

Test(look, what_is_held_again_or_freed_is_not_lost)
{
	struct node *held = new_node(NULL), *freed = new_node(NULL);
	const uint64_t known[] = {(uintptr_t)held, (uintptr_t)freed,
				  (uintptr_t)held + 8, 12345, 0};
	kept[0] = (uintptr_t)held;
	tarn_free(freed);
	look_again(known, 5);
	cr_expect_eq(trace.process.lost_blocks, 0);
	cr_expect_eq(trace.process.unconfirmed_blocks, 0);
	trace_end(&trace);
}

static bool add(void *context, uintptr_t block)
{
	uintptr_t *sum = context;
	*sum += block;
	return true;
}

Test(look, lost_blocks_are_told_for_the_next)
{
	struct trace_options options = from_kept();
	uintptr_t sum = 0;
	/* It comes first: it is not the end of another. */
	kept[0] = (uintptr_t)new_node(NULL);
	struct node *first = new_node(NULL), *second = new_node(first);
	cr_assert(trace_take(&trace, &options));
	trace_visit_lost(&trace, add, &sum);
	cr_expect_eq(sum, (uintptr_t)first + (uintptr_t)second);
	trace_end(&trace);
}

/* --- groups of held blocks ----------------------------------------------- */

/* The group of held blocks of BYTES. */
static const struct wire_finding *group_of(size_t bytes)
{
	for (uint32_t i = 0; i < trace.findings.n; i++) {
		const struct wire_finding *wire = trace_wire(&trace, i);
		if (wire->verdict == WIRE_REACHED &&
		    wire->own_bytes == bytes * wire->own_blocks)
			return wire;
	}
	return NULL;
}

static struct wire_finding look_at_held(size_t bytes)
{
	struct trace_options options = from_kept();
	options.wants_reached = true;
	cr_assert(trace_take(&trace, &options));
	const struct wire_finding *wire = group_of(bytes);
	cr_assert_not_null(wire);
	struct wire_finding group = *wire;
	trace_end(&trace);
	return group;
}

Test(look, held_blocks_are_told_by_kind_under_the_same_key)
{
	struct node *list = new_node(NULL);
	kept[0] = (uintptr_t)list;
	kept[1] = (uintptr_t)tarn_calloc(1, 1024);
	new_node(NULL);
	struct wire_finding before = look_at_held(NODE_BYTES);
	cr_expect_eq(before.own_blocks, 1);
	for (int i = 0; i < 9; i++)
		list = list->next = new_node(NULL);
	struct wire_finding after = look_at_held(NODE_BYTES);
	cr_expect_eq(after.own_blocks, 10);
	cr_expect_eq(after.key, before.key);
	cr_expect_eq(look_at_held(1024).own_blocks, 1);
}

/* --- who ---------------------------------------------------------------- */

struct answer {
	struct wire_who who;
	struct wire_pointer steps[256], referrers[256];
	size_t n_steps, n_referrers;
};

static void note(struct answer *answer, const struct wire_record *record)
{
	if (record->kind == WIRE_WHO)
		memcpy(&answer->who, record->fixed, sizeof(answer->who));
	else if (record->kind == WIRE_STEP)
		memcpy(&answer->steps[answer->n_steps++], record->fixed,
		       sizeof(*answer->steps));
	else if (record->kind == WIRE_REFERRER)
		memcpy(&answer->referrers[answer->n_referrers++], record->fixed,
		       sizeof(*answer->referrers));
}

static struct answer ask(uintptr_t address)
{
	struct answer answer = {.n_steps = 0};
	struct os_world world = {.is_stopped = true};
	struct trace_options options = from_kept();
	struct wire_reader reader;
	struct wire_record record = {0};
	int fd = memfd_create("answer", 0);
	trace_begin(&trace, &world);
	cr_assert(who_write(&trace, &options, &world, address, fd));
	trace_end(&trace);
	off_t length = lseek(fd, 0, SEEK_END);
	void *bytes = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, fd, 0);
	cr_assert_neq(bytes, MAP_FAILED);
	cr_assert_eq(wire_open(&reader, bytes, (size_t)length), WIRE_OK);
	while (record.kind != WIRE_END) {
		cr_assert_eq(wire_next(&reader, &record), WIRE_OK);
		note(&answer, &record);
	}
	munmap(bytes, (size_t)length);
	close(fd);
	return answer;
}

Test(look, the_way_leads_from_the_root_through_blocks)
{
	struct node *last = new_node(NULL);
	struct node *first = new_node(new_node(last));
	kept[3] = (uintptr_t)first;
	struct answer answer = ask((uintptr_t)last + 5);
	cr_expect_eq(answer.who.place, WIRE_IN_BLOCK);
	cr_expect_eq(answer.who.verdict, WIRE_REACHED);
	cr_expect_eq(answer.who.block, (uintptr_t)last);
	cr_expect_eq(answer.who.bytes, NODE_BYTES);
	cr_assert_eq(answer.n_steps, 3);
	cr_expect_eq(answer.who.n_steps, 3);
	cr_expect_eq(answer.steps[0].holder, WIRE_BY_REGION);
	cr_expect_eq(answer.steps[0].at, (uintptr_t)&kept[3]);
	cr_expect_eq(answer.steps[0].value, (uintptr_t)first);
	cr_expect_eq(answer.steps[1].holder, WIRE_BY_BLOCK);
	cr_expect_eq(answer.steps[1].block, (uintptr_t)first);
	cr_expect_eq(answer.steps[1].at, (uintptr_t)&first->next);
	cr_expect_eq(answer.steps[2].block, (uintptr_t)first->next);
	cr_expect_eq(answer.steps[2].value, (uintptr_t)last);
	cr_assert_eq(answer.n_referrers, 1);
	cr_expect_eq(answer.referrers[0].at, (uintptr_t)&first->next->next);
}

Test(look, the_shortest_way_is_told_and_all_who_point)
{
	struct node *target = new_node(NULL);
	kept[0] = (uintptr_t)new_node(new_node(new_node(target)));
	kept[9] = (uintptr_t)new_node(target);
	struct node *lost = new_node(NULL);
	lost->more[1] = (uintptr_t)target + 16;
	struct answer answer = ask((uintptr_t)target);
	cr_assert_eq(answer.n_steps, 2);
	cr_expect_eq(answer.steps[0].at, (uintptr_t)&kept[9]);
	cr_expect_eq(answer.who.n_referrers, 3);
	cr_expect_eq(answer.n_referrers, 3);
	bool has_lost = false;
	for (size_t i = 0; i < answer.n_referrers; i++)
		has_lost |= answer.referrers[i].block == (uintptr_t)lost &&
			    answer.referrers[i].value == (uintptr_t)target + 16;
	cr_expect(has_lost, "a lost block points too, though it holds nothing");
}

Test(look, pointers_to_the_inside_lead_only_where_no_other_does)
{
	struct node *target = new_node(NULL);
	kept[0] = (uintptr_t)new_node((struct node *)((char *)target + 16));
	cr_expect_eq(ask((uintptr_t)target).who.verdict, WIRE_POSSIBLE);
	cr_expect_eq(ask((uintptr_t)target).n_steps, 2);
	kept[1] = (uintptr_t)new_node(new_node(target));
	cr_expect_eq(ask((uintptr_t)target).who.verdict, WIRE_REACHED);
	cr_expect_eq(ask((uintptr_t)target).n_steps, 3);
}

Test(look, a_long_way_is_told_by_its_ends)
{
	struct node *target = new_node(NULL), *first = target;
	for (int i = 0; i < 100000; i++)
		first = new_node(first);
	kept[0] = (uintptr_t)first;
	struct answer answer = ask((uintptr_t)target);
	cr_expect_eq(answer.who.n_steps, 100001);
	cr_assert_eq(answer.n_steps, 128);
	cr_expect_eq(answer.steps[0].holder, WIRE_BY_REGION);
	cr_expect_eq(answer.steps[127].value, (uintptr_t)target);
	cr_expect_eq(answer.steps[1].block, (uintptr_t)first);
}

Test(look, what_nothing_holds_is_lost_and_what_is_free_no_block)
{
	struct node *lost = new_node(NULL), *freed = new_node(NULL);
	uintptr_t at = (uintptr_t)freed;
	tarn_free(freed);
	cr_expect_eq(ask((uintptr_t)lost).who.verdict, WIRE_LOST);
	cr_expect_eq(ask((uintptr_t)lost).n_steps, 0);
	cr_expect_eq(ask(at).who.place, WIRE_IN_FREE);
	cr_expect_eq(ask((uintptr_t)kept).who.place, WIRE_NOT_IN_HEAP);
	cr_expect_eq(ask(0).who.place, WIRE_NOT_IN_HEAP);
	cr_expect_eq(ask(UINTPTR_MAX).who.place, WIRE_NOT_IN_HEAP);
}

/* --- what others map --------------------------------------------------- */

/* A region is a range of addresses, not a reservation. */
Test(look, what_others_map_among_the_addresses_of_a_region_is_a_root)
{
	struct node *node = new_node(NULL);
	uintptr_t at =
		((uintptr_t)node & -(uintptr_t)65536) + ((uintptr_t)1 << 30);
	uintptr_t *page =
		mmap((void *)at, 65536, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	cr_assert_neq(page, MAP_FAILED);
	page[100] = (uintptr_t)node;
	struct trace_options options = from_kept();
	options.root_kinds |= ROOT_MAPPINGS;
	cr_assert(trace_take(&trace, &options));
	cr_expect_eq(trace.process.lost_blocks, 0);
	cr_expect_eq(trace.process.foreign_blocks, 1);
	trace_end(&trace);
	munmap(page, 65536);
}
