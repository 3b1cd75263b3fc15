/*
 * fault: the kernel refuses its help, at every point in turn.
 *
 * One scenario of requests of all sizes runs again and again, each time in a
 * new process whose k-th call to the kernel fails: that one alone, a few from
 * it on, or all from it on; and once for each kind of call all of that kind. A
 * request that fails then must return NULL with ENOMEM and leave every block as
 * it was; one that does not must leave errno alone; the heap's laws and the
 * statistics must hold after each. When the kernel serves again, so must tarn,
 * and in the end nothing may be lost.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oscalls.h"
#include "shadow.h"
#include "tarn.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define N_SLOTS 512
#define ERRNO_UNTOUCHED 4242
#define FOR_EVER 1000000000ul
#define MOST_BAD 10

/* Where the child tells what it did. */
#define REPORT_FD 3

struct report {
	unsigned long made;
	unsigned long failed;
	unsigned long refused;
};

/* A slot whose request was refused has a start of NULL. */
static struct shadow_block slots[N_SLOTS];
static unsigned long failed_before, n_refused;

static void begin(const char *doing)
{
	shadow_context.doing = doing;
	shadow_context.op++;
	failed_before = oscalls_failed();
	errno = ERRNO_UNTOUCHED;
}

static uint64_t next_tag(void)
{
	return shadow_context.op * UINT64_C(0x9e3779b97f4a7c15);
}

/* Proves everything, if the kernel has just refused something. */
static void check_if_failed(void)
{
	if (oscalls_failed() == failed_before)
		return;
	for (size_t i = 0; i < N_SLOTS; i++)
		if (slots[i].start != NULL)
			shadow_check(&slots[i]);
	tarn_heap_check();
	shadow_check_stats();
}

/* A request may only be refused when the kernel refused something. */
static bool is_served(const void *start)
{
	if (start != NULL && errno != ERRNO_UNTOUCHED)
		shadow_fail("success set errno to %d", errno);
	if (start == NULL && errno != ENOMEM)
		shadow_fail("refused with errno %d", errno);
	if (start == NULL && oscalls_failed() == failed_before)
		shadow_fail("refused without need");
	n_refused += start == NULL;
	return start != NULL;
}

static void settle(size_t slot, void *start, size_t size, size_t alignment)
{
	if (is_served(start))
		shadow_adopt(&slots[slot], start, size, alignment, next_tag());
	check_if_failed();
}

static void do_malloc(size_t slot, size_t size)
{
	begin("malloc");
	settle(slot, tarn_malloc(size), size, 0);
}

static void do_calloc(size_t slot, size_t size)
{
	begin("calloc");
	void *start = tarn_calloc(1, size);
	if (start != NULL)
		shadow_check_zero(start, size, 0);
	settle(slot, start, size, 0);
}

static void do_aligned(size_t slot, size_t alignment, size_t size)
{
	begin("aligned_alloc");
	settle(slot, tarn_aligned_alloc(alignment, size), size, alignment);
}

static void do_posix_memalign(size_t slot, size_t alignment, size_t size)
{
	void *start = NULL;
	begin("posix_memalign");
	int error = tarn_posix_memalign(&start, alignment, size);
	if (errno != ERRNO_UNTOUCHED || (error != 0) != (start == NULL))
		shadow_fail("result %d, errno %d", error, errno);
	if (error != 0)
		errno = error;
	settle(slot, start, size, alignment);
}

static void do_realloc(size_t slot, size_t size)
{
	struct shadow_block *block = &slots[slot], old = *block;
	if (old.start == NULL) {
		do_malloc(slot, size);
		return;
	}
	begin("realloc");
	shadow_retire(&old);
	void *start = tarn_realloc(old.start, size);
	if (is_served(start))
		shadow_moved(block, &old, start, size, next_tag());
	else
		shadow_reclaim(&old);
	check_if_failed();
}

static void do_free(size_t slot)
{
	if (slots[slot].start != NULL)
		shadow_retire(&slots[slot]);
	begin("free");
	tarn_free(slots[slot].start);
	if (errno != ERRNO_UNTOUCHED)
		shadow_fail("errno became %d", errno);
	slots[slot].start = NULL;
	check_if_failed();
}

static void do_purge(void)
{
	begin("tarn_purge");
	tarn_purge();
	check_if_failed();
}

/* Sizes on both sides of every limit, small to large. */
static void fill_slots(size_t slot)
{
	static const size_t large[] = {
		33 * KIB, 64 * KIB,   65 * KIB, 100 * KIB, 300 * KIB,
		1 * MIB,  1500 * KIB, 5 * MIB,	20 * MIB,  70 * MIB,
	};
	for (size_t size = 1; size <= 32 * KIB; size += 1 + size / 6)
		do_malloc(slot++, size);
	for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
		do_malloc(slot++, large[i]);
	do_calloc(slot++, 200);
	do_calloc(slot++, 50 * KIB);
	do_calloc(slot++, 3 * MIB);
	do_aligned(slot++, 4 * KIB, 100);
	do_aligned(slot++, 64 * KIB, 64 * KIB);
	do_aligned(slot++, 1 * MIB, 10);
	do_posix_memalign(slot++, 32 * MIB, 10);
	do_posix_memalign(slot, 64, 20 * KIB);
}

/* One block through all sizes, while another lies behind it. */
static void grow_and_shrink(size_t slot)
{
	static const size_t sizes[] = {
		100,	   5000,     20 * KIB, 40 * KIB, 200 * KIB, 300 * KIB,
		3 * MIB,   40 * MIB, 41 * MIB, 80 * MIB, 10 * MIB,  MIB,
		100 * KIB, 20 * KIB, 90,       2 * MIB,
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		do_realloc(slot, sizes[i]);
		if (i % 3 == 0)
			do_realloc(slot + 1, sizes[i] / 2 + 1);
	}
}

static void free_slots(size_t from, size_t step)
{
	for (size_t i = from; i < N_SLOTS; i += step)
		do_free(i);
}

/* Fills slots 256 to 399, and frees what the thread before left in some. */
static void *thread_main(void *argument)
{
	size_t turn = (size_t)(uintptr_t)argument;
	shadow_context.program = "fault";
	shadow_context.worker = 1 + (unsigned)turn;
	for (size_t slot = 256 + turn; slot < 400; slot += 3) {
		do_free(slot);
		do_malloc(slot, slot % 7 == 0 ? slot * KIB : slot * 4);
	}
	for (size_t slot = 256; slot < 400; slot += 5)
		do_free(slot);
	return NULL;
}

static void run_threads(void)
{
	for (uintptr_t turn = 0; turn < 4; turn++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, thread_main, (void *)turn))
			shadow_fail("pthread_create");
		pthread_join(thread, NULL);
		begin("thread's end");
		check_if_failed();
	}
}

static void run_scenario(void)
{
	fill_slots(0);
	grow_and_shrink(150);
	free_slots(0, 2);
	do_purge();
	fill_slots(152);
	run_threads();
	grow_and_shrink(400);
	free_slots(1, 3);
	begin("decay of 0");
	tarn_option_set("decay", "0");
	free_slots(0, 1);
	do_purge();
	begin("decay of 1s");
	tarn_option_set("decay", "1s");
}

/* What is mapped is what the calls to the kernel left mapped. */
static void check_nothing_lost(void)
{
	struct tarn_stats stats;
	shadow_context.doing = "the books";
	tarn_heap_check();
	shadow_check_live(0, 0);
	shadow_check_stats();
	tarn_stats_get(&stats, sizeof(stats));
	if (stats.mapped_bytes != oscalls_mapped_bytes())
		shadow_fail("tarn says %llu bytes are mapped, there are %zu",
			    (unsigned long long)stats.mapped_bytes,
			    oscalls_mapped_bytes());
}

/* The scenario under the plan, and again when the kernel serves. */
static int be_child(void)
{
	shadow_context.program = "fault";
	run_scenario();
	struct report report = {
		.made = oscalls_made(),
		.failed = oscalls_failed(),
		.refused = n_refused,
	};
	oscalls_relent();
	check_nothing_lost();
	run_scenario();
	check_nothing_lost();
	if (n_refused != report.refused)
		shadow_fail("refused although the kernel served");
	ssize_t n = write(REPORT_FD, &report, sizeof(report));
	return n == sizeof(report) ? 0 : 1;
}

/* Children that ended badly; the test goes on, to find them all. */
static unsigned n_bad;

static void note_bad(const char *self, const char *plan, const char *what)
{
	fprintf(stderr, "fault: %s; again with: %s=%s %s --child 3>/dev/null\n",
		what, OSCALLS_PLAN, plan, self);
	if (++n_bad == MOST_BAD) {
		fprintf(stderr, "fault: that is enough\n");
		exit(1);
	}
}

static _Noreturn void become_child(char *self, const char *plan, int report_fd)
{
	char child[] = "--child";
	char *arguments[] = {self, child, NULL};
	setenv(OSCALLS_PLAN, plan, 1);
	if (report_fd != REPORT_FD) {
		dup2(report_fd, REPORT_FD);
		close(report_fd);
	}
	execv(self, arguments);
	_exit(127);
}

static struct report run_child(char *self, const char *plan)
{
	int ends[2], status = 0;
	struct report report = {0};
	if (pipe(ends) != 0)
		abort();
	pid_t pid = fork();
	if (pid == 0)
		become_child(self, plan, ends[1]);
	close(ends[1]);
	ssize_t n = read(ends[0], &report, sizeof(report));
	close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		abort();
	if (status != 0 || n != sizeof(report)) {
		char what[64];
		snprintf(what, sizeof(what), "status %#x", (unsigned)status);
		note_bad(self, plan, what);
		/* What is known of it is that it made the call that failed. */
		report.made = report.failed = 1;
	}
	return report;
}

static struct report run_plan(char *self, unsigned kinds, unsigned long from,
			      unsigned long count)
{
	char plan[64];
	snprintf(plan, sizeof(plan), "%u:%lu:%lu", kinds, from, count);
	struct report report = run_child(self, plan);
	if (report.made >= from && report.failed == 0 && count > 0)
		note_bad(self, plan, "nothing was failed");
	return report;
}

/* Every k from 1 until the scenario makes fewer calls than that. */
static void run_every(char *self, unsigned kinds, unsigned long count)
{
	unsigned long k = 1, failed = 0, refused = 0;
	for (;; k++) {
		struct report report = run_plan(self, kinds, k, count);
		if (report.failed == 0)
			break;
		failed += report.failed;
		refused += report.refused;
	}
	printf("fault: kinds %u, %lu at most from each of %lu calls on: "
	       "%lu failed, %lu requests refused\n",
	       kinds, count, k - 1, failed, refused);
	if (k == 1)
		note_bad(self, "", "no call was failed");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--child") == 0)
		return be_child();
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct report all = run_plan(argv[0], OSCALLS_ALL, 1, 0);
	printf("fault: the scenario makes %lu calls\n", all.made);
	run_every(argv[0], OSCALLS_ALL, 1);
	run_every(argv[0], OSCALLS_ALL, 3);
	run_every(argv[0], OSCALLS_ALL, FOR_EVER);
	/* As under a limit: nothing more is mapped, all else works. */
	run_every(argv[0], OSCALL_MMAP, FOR_EVER);
	for (unsigned kind = 1; kind < OSCALLS_ALL; kind *= 2) {
		struct report report = run_plan(argv[0], kind, 1, FOR_EVER);
		printf("fault: kind %u: %lu calls, %lu failed, %lu refused\n",
		       kind, report.made, report.failed, report.refused);
	}
	return n_bad == 0 ? 0 : 1;
}
