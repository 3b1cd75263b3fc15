/*
 * collect: traces by generation as programs ask for them, and automatic ones.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "tarn.h"

#define NODE_BYTES 32

struct node {
	struct node *next;
	struct node *other;
};

static uintptr_t kept[3];

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

/* --- the interface ------------------------------------------------------- */

#define N_LOST 200

static NOINLINE void lose_rings(void)
{
	for (int i = 0; i < N_LOST; i += 2)
		new_ring(2);
}

static struct tarn_generation_stats stats_of(enum tarn_generation generation)
{
	struct tarn_generation_stats stats;
	cr_assert_eq(
		tarn_generation_stats_get(generation, &stats, sizeof(stats)),
		0);
	return stats;
}

Test(collect, statistics_tell_each_block_once)
{
	struct tarn_trace_summary summary;
	lose_rings();
	errno = EDOM;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(tarn_collect(TARN_OLD, NULL, NULL, &summary,
					  sizeof(summary)),
			     0);
	cr_assert_eq(errno, EDOM);
	cr_assert_neq(summary.full, 0);
	cr_assert_geq(summary.lost_blocks, N_LOST - 20);
	cr_assert_eq(summary.new_blocks, 0);
	cr_assert_gt(summary.scanned_bytes, N_LOST * NODE_BYTES / 2);
	struct tarn_generation_stats stats = stats_of(TARN_OLD);
	cr_assert_eq(stats.traces, 3);
	cr_assert_eq(stats.full, 3);
	cr_assert_eq(stats.automatic, 0);
	cr_assert_geq(stats.lost_blocks, summary.lost_blocks);
	cr_assert_leq(stats.lost_blocks, N_LOST);
	cr_assert_eq(stats.lost_bytes, stats.lost_blocks * NODE_BYTES);
	cr_assert_geq(stats.stopped_ns, stats.longest_stopped_ns);
	cr_assert_eq(stats_of(TARN_YOUNG).traces, 0);
}

Test(collect, counts_go_up_and_back_to_nothing)
{
	struct tarn_counts counts;
	enum tarn_generation all[] = {TARN_OLD, TARN_YOUNG, TARN_YOUNG,
				      TARN_MIDDLE, TARN_YOUNG};
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(tarn_collect(all[i], NULL, NULL, NULL, 0), 0);
	if (stats_of(TARN_YOUNG).full > 0)
		cr_skip_test("the kernel does not tell what was written");
	cr_assert_eq(tarn_count_get(&counts, sizeof(counts)), 0);
	cr_assert_eq(counts.middle, 1);
	cr_assert_eq(counts.old, 1);
	uint64_t before = counts.young_bytes;
	void *large = new_block((size_t)3 << 20);
	cr_assert_eq(tarn_count_get(&counts, sizeof(counts)), 0);
	cr_assert_geq(counts.young_bytes, before + ((size_t)3 << 20));
	tarn_free(large);
	cr_assert_eq(tarn_count_get(&counts, sizeof(counts)), 0);
	cr_assert_lt(counts.young_bytes, before + ((size_t)1 << 20));
	cr_assert_eq(tarn_collect(TARN_OLD, NULL, NULL, NULL, 0), 0);
	cr_assert_eq(tarn_count_get(&counts, sizeof(counts)), 0);
	cr_assert_eq(counts.middle, 0);
	cr_assert_eq(counts.old, 0);
}

Test(collect, thresholds_are_the_options)
{
	struct tarn_thresholds thresholds;
	char value[32];
	cr_assert_eq(tarn_threshold_get(&thresholds, sizeof(thresholds)), 0);
	cr_assert_eq(thresholds.young_bytes, 0);
	cr_assert_eq(thresholds.young_ms, 0);
	cr_assert_eq(thresholds.middle, 10);
	cr_assert_eq(thresholds.old, 10);
	thresholds = (struct tarn_thresholds){(size_t)1 << 30, 3600000, 7, 3};
	cr_assert_eq(tarn_threshold_set(&thresholds, 3 * sizeof(uint64_t)), 0);
	cr_assert_eq(tarn_option_get("collect", value, sizeof(value)), 0);
	cr_assert_str_eq(value, "1g");
	cr_assert_eq(tarn_option_set("collect_interval", "0"), 0);
	memset(&thresholds, 0xff, sizeof(thresholds));
	cr_assert_eq(tarn_threshold_get(&thresholds, sizeof(thresholds)), 0);
	cr_assert_eq(thresholds.young_bytes, (size_t)1 << 30);
	cr_assert_eq(thresholds.young_ms, 0);
	cr_assert_eq(thresholds.middle, 7);
	cr_assert_eq(thresholds.old, 10);
}

Test(collect, what_is_wrong_is_said)
{
	struct tarn_thresholds thresholds = {.young_ms = UINT64_MAX};
	struct tarn_generation_stats stats;
	struct tarn_counts counts;
	cr_assert_eq(tarn_collect((enum tarn_generation)3, NULL, NULL, NULL, 0),
		     -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(tarn_threshold_set(NULL, 8), -1);
	cr_assert_eq(tarn_threshold_set(&thresholds, sizeof(thresholds)), -1);
	cr_assert_eq(tarn_threshold_get(&thresholds, 0), -1);
	cr_assert_eq(tarn_count_get(NULL, sizeof(counts)), -1);
	cr_assert_eq(tarn_generation_stats_get((enum tarn_generation) - 1,
					       &stats, sizeof(stats)),
		     -1);
	cr_assert_eq(tarn_generation_stats_get(TARN_OLD, &stats, 0), -1);
}

/* --- automatic traces ----------------------------------------------------- */

static int n_starts, n_ends, n_findings;
static uint64_t n_new;

static int count_finding(const struct tarn_finding *finding, void *context)
{
	cr_assert_eq(context, &n_starts);
	cr_assert_eq(n_starts, n_ends + 1);
	n_findings += finding->verdict < TARN_POSSIBLE;
	cr_assert_eq(tarn_collect(TARN_OLD, NULL, NULL, NULL, 0), -1);
	cr_assert_eq(errno, EDEADLK);
	cr_assert_eq(tarn_freeze(), -1);
	cr_assert_eq(tarn_callback_set(NULL, NULL, NULL), -1);
	tarn_free(new_block((size_t)4 << 20));
	return 0;
}

static void count_phase(enum tarn_collect_phase phase,
			enum tarn_generation generation,
			const struct tarn_trace_summary *summary, void *context)
{
	cr_assert_eq(context, &n_starts);
	cr_assert_leq(generation, TARN_OLD);
	cr_assert_eq(summary != NULL, phase == TARN_COLLECT_END);
	n_starts += phase == TARN_COLLECT_START;
	n_ends += phase == TARN_COLLECT_END;
	n_new += summary == NULL ? 0 : summary->new_blocks;
}

Test(collect, traces_start_by_themselves_as_the_heap_grows)
{
	static const struct tarn_thresholds thresholds = {
		.young_bytes = (size_t)1 << 20, .middle = 2, .old = 2};
	tarn_callback_set(count_phase, count_finding, &n_starts);
	tarn_threshold_set(&thresholds, sizeof(thresholds));
	for (int i = 0; i < 64; i++) {
		lose_rings();
		for (int k = 0; k < 256; k++)
			kept[0] = (uintptr_t)new_node((void *)kept[0]);
		for (int k = 0; k < 300; k++)
			*(void **)(kept[2] = (uintptr_t)new_block(1024)) =
				(void *)kept[1],
					     kept[1] = kept[2];
		errno = EDOM;
		tarn_free(tarn_malloc(10));
		cr_assert_eq(errno, EDOM);
	}
	cr_assert_geq(n_starts, 10);
	cr_assert_leq(n_starts, 40);
	cr_assert_eq(n_starts, n_ends);
	cr_assert_geq(n_findings, 10);
	cr_assert_leq(n_new, 64 * N_LOST);
	cr_assert_geq(n_new, 32 * N_LOST);
	struct tarn_generation_stats young = stats_of(TARN_YOUNG);
	cr_assert_eq(young.automatic, young.traces);
	cr_assert_eq(young.automatic + stats_of(TARN_MIDDLE).automatic +
			     stats_of(TARN_OLD).automatic,
		     (uint64_t)n_starts);
	tarn_threshold_set(&(struct tarn_thresholds){0}, sizeof(thresholds));
	n_starts = n_ends = 0;
	for (int k = 0; k < 30000; k++)
		new_block(1000);
	cr_assert_eq(n_starts, 0);
}

Test(collect, traces_start_by_themselves_after_a_time)
{
	static const struct tarn_thresholds thresholds = {.young_ms = 20};
	tarn_callback_set(count_phase, NULL, &n_starts);
	tarn_threshold_set(&thresholds, sizeof(thresholds));
	for (int i = 0; i < 10; i++) {
		usleep(25000);
		void *block = tarn_malloc(100000);
		tarn_free(block);
		tarn_free(tarn_malloc((size_t)2 << 20));
	}
	cr_assert_geq(n_ends, 4);
	cr_assert_leq(n_ends, 14);
}

/* --- other kernels ------------------------------------------------------ */

static void refuse_userfaultfd(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		cr_skip_test("no seccomp filters");
}

Test(collect, where_the_kernel_does_not_tell_every_trace_is_full)
{
	struct tarn_counts counts;
	refuse_userfaultfd();
	lose_rings();
	for (int i = 0; i < 3; i++)
		cr_assert_eq(tarn_collect(TARN_YOUNG, NULL, NULL, NULL, 0), 0);
	struct tarn_generation_stats stats = stats_of(TARN_YOUNG);
	cr_assert_eq(stats.traces, 3);
	cr_assert_eq(stats.full, 3);
	cr_assert_eq(stats.written_pages, 0);
	cr_assert_geq(stats.lost_blocks, N_LOST - 20);
	cr_assert_leq(stats.lost_blocks, N_LOST);
	cr_assert_eq(tarn_count_get(&counts, sizeof(counts)), 0);
	cr_assert_eq(counts.middle, 0);
}
