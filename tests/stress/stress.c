/*
 * stress: random operations on tarn, checked against a shadow model.
 *
 * Without threads one worker does it all, and forks now and then: the child
 * works on with the blocks it inherited. It may do so under a limit on its
 * memory, and be refused what the limit does not allow. With threads, workers
 * are born and die at random; they leave blocks in a yard, free what others
 * left there, and at their death leave there what they can. At the end of each
 * round all threads are joined, and what tarn counts as live must be exactly
 * what lies in the yard. Thieves have nothing of their own, and purge all the
 * time what the workers have.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tarn.h"
#include "thefts.h"
#include "worker.h"
#include "yard.h"

#define MIB ((size_t)1 << 20)
#define MAX_THREADS 64
#define ROUNDS 8
#define LIVE_BYTES_IN_ALL (384 * MIB)
#define STEPS_OF_A_CHILD 300
#define LONGEST_LIFE 40000
#define LONGEST_WAIT_US 5000

static struct settings {
	uint64_t seed;
	/* Operations in all; with SECONDS, as many as fit. */
	uint64_t ops;
	double seconds;
	unsigned threads;
	unsigned thieves;
	size_t max_live;
	/* RLIMIT_AS from the start of the test; 0 for none. */
	size_t limit_bytes;
	bool may_fork;
	bool traces;
} settings = {
	.ops = 1000000,
	.max_live = 20000,
	.may_fork = true,
};

/* How the round is going. Guarded by `lock`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	uint64_t ops_left;
	unsigned n_running;
	unsigned n_born;
} crew = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.ended = PTHREAD_COND_INITIALIZER,
};

/* Set in a forked child, which has no other threads. */
static bool is_child;

static struct timespec began;
static pthread_key_t farewell_key;

static bool time_is_up(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began.tv_sec) +
		       (double)(now.tv_nsec - began.tv_nsec) * 1e-9 >=
	       settings.seconds;
}

static void fork_one(struct worker *worker, unsigned generations);

/* The child of a fork works a little and goes, with or without its blocks. */
static _Noreturn void live_as_child(struct worker *worker, unsigned generations)
{
	is_child = true;
	worker->random.state ^= (uint64_t)generations;
	worker_check(worker);
	for (int i = 0; i < STEPS_OF_A_CHILD; i++)
		worker_step(worker);
	if (generations > 0)
		fork_one(worker, generations - 1);
	if (random_one_in(&worker->random, 2))
		worker_free_all(worker);
	tarn_purge();
	tarn_heap_check();
	shadow_check_stats();
	worker_check(worker);
	_exit(0);
}

static void fork_one(struct worker *worker, unsigned generations)
{
	int status;
	shadow_context.doing = "fork";
	pid_t pid = fork();
	if (pid == 0)
		live_as_child(worker, generations);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		shadow_fail("fork or waitpid: %s", strerror(errno));
	if (status != 0)
		shadow_fail("a forked child ended with status %#x", status);
}

static void run_alone(struct worker *worker, uint64_t steps)
{
	for (uint64_t i = 0; i < steps; i++) {
		worker_step(worker);
		if (settings.may_fork && random_one_in(&worker->random, 20000))
			fork_one(worker, random_one_in(&worker->random, 4));
	}
	shadow_context.doing = "end of a round";
	tarn_heap_check();
	worker_check(worker);
	shadow_check_live(worker->count, worker->live_bytes);
}

/* From here on the process may map no more than the limit in addition. */
static void limit_memory(struct worker *worker)
{
	struct rlimit limit;
	unsigned long pages = 0;
	void *first = tarn_malloc(1);
	FILE *statm = fopen("/proc/self/statm", "re");
	shadow_prepare(first);
	if (statm == NULL || fscanf(statm, "%lu", &pages) != 1)
		shadow_fail("/proc/self/statm cannot be read");
	fclose(statm);
	getrlimit(RLIMIT_AS, &limit);
	limit.rlim_cur =
		pages * (size_t)sysconf(_SC_PAGESIZE) + settings.limit_bytes;
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		shadow_fail("setrlimit: %s", strerror(errno));
	worker->refusal_bytes = settings.limit_bytes / 4;
	tarn_free(first);
}

static void run_single(void)
{
	struct worker worker;
	uint64_t done = 0;
	worker_start(&worker, settings.seed, settings.max_live,
		     LIVE_BYTES_IN_ALL);
	if (settings.limit_bytes > 0)
		limit_memory(&worker);
	while (settings.seconds > 0 ? !time_is_up() : done < settings.ops) {
		run_alone(&worker, settings.ops / ROUNDS);
		done += settings.ops / ROUNDS;
	}
	if (settings.limit_bytes > 0)
		printf("stress: %llu requests refused\n",
		       (unsigned long long)worker.n_refused);
	worker_free_all(&worker);
	worker_end(&worker);
}

/* Runs after the thread's function, before or after tarn's own farewell. */
static void say_farewell(void *block)
{
	static _Thread_local int rounds;
	shadow_context.doing = "destructor of a thread";
	void *again = tarn_malloc(100);
	tarn_free(block);
	if (again == NULL)
		shadow_fail("no block in a thread's destructor");
	if (++rounds < 3)
		pthread_setspecific(farewell_key, again);
	else
		tarn_free(again);
}

static void exchange_blocks(struct worker *worker)
{
	struct random *random = &worker->random;
	struct shadow_block block;
	if (random_one_in(random, 2)) {
		if (!worker_take(worker, &block))
			return;
		if (!yard_leave(random, &block))
			worker_put(worker, &block);
	} else if (yard_pick_up(random, &block)) {
		if (random_one_in(random, 2) || !worker_put(worker, &block))
			worker_free_block(random, &block);
	}
}

/* A pair of blocks, or a thousand, that go from hand to hand at once. */
static void exchange_many(struct worker *worker)
{
	size_t n = random_by_doubling(&worker->random, 1, 1000);
	for (size_t i = 0; i < n; i++)
		exchange_blocks(worker);
}

static void live(struct worker *worker, uint64_t steps)
{
	struct random *random = &worker->random;
	for (uint64_t i = 0; i < steps; i++) {
		worker_step(worker);
		if (random_one_in(random, 4))
			exchange_blocks(worker);
		if (random_one_in(random, 500))
			exchange_many(worker);
		if (settings.may_fork && random_one_in(random, 40000))
			fork_one(worker, random_one_in(random, 4));
	}
}

static void *worker_main(void *argument)
{
	struct worker worker;
	struct shadow_block block;
	size_t steps = (size_t)(uintptr_t)argument;
	pthread_mutex_lock(&crew.lock);
	unsigned id = ++crew.n_born;
	pthread_mutex_unlock(&crew.lock);
	shadow_context = (struct shadow_context){
		.program = "stress", .seed = settings.seed, .worker = id};
	if (id % 3 != 0)
		pthread_setspecific(farewell_key, tarn_malloc(id % 2000));
	worker_start(&worker, settings.seed + id * 7919,
		     settings.max_live / settings.threads,
		     LIVE_BYTES_IN_ALL / settings.threads);
	worker.may_nap = true;
	live(&worker, steps);
	while (!random_one_in(&worker.random, 2000) &&
	       worker_take(&worker, &block))
		if (!yard_leave(&worker.random, &block))
			worker_free_block(&worker.random, &block);
	worker_free_all(&worker);
	worker_end(&worker);
	return NULL;
}

static void *thread_main(void *argument)
{
	worker_main(argument);
	pthread_mutex_lock(&crew.lock);
	crew.n_running--;
	pthread_cond_signal(&crew.ended);
	pthread_mutex_unlock(&crew.lock);
	return NULL;
}

/* How long the next thread may live; 0 when the round's budget is spent. */
static uint64_t next_life(struct random *random)
{
	uint64_t steps = random_by_doubling(random, 1, LONGEST_LIFE);
	if (settings.seconds > 0 && time_is_up())
		crew.ops_left = 0;
	steps = steps < crew.ops_left ? steps : crew.ops_left;
	crew.ops_left -= steps;
	return steps;
}

/* Keeps as many threads alive as asked for, until the budget is spent. */
static void run_round(struct random *random)
{
	static pthread_t born[1 << 16];
	size_t n = 0, max = sizeof(born) / sizeof(born[0]);
	uint64_t steps;
	pthread_mutex_lock(&crew.lock);
	crew.ops_left = settings.ops / ROUNDS;
	while (n < max && (steps = next_life(random)) > 0) {
		while (crew.n_running >= settings.threads)
			pthread_cond_wait(&crew.ended, &crew.lock);
		crew.n_running++;
		void *argument = (void *)(uintptr_t)steps;
		if (pthread_create(&born[n++], NULL, thread_main, argument))
			shadow_fail("pthread_create: %s", strerror(errno));
	}
	pthread_mutex_unlock(&crew.lock);
	for (size_t i = 0; i < n; i++)
		pthread_join(born[i], NULL);
}

static void check_round(void)
{
	uint64_t blocks = 0, usable_bytes = 0;
	shadow_context.doing = "end of a round";
	tarn_heap_check();
	pthread_mutex_lock(&crew.lock);
	yard_count(&blocks, &usable_bytes);
	shadow_check_live(blocks, usable_bytes);
	pthread_mutex_unlock(&crew.lock);
	shadow_check_stats();
}

/* Set at the end of the threads. Atomic, relaxed. */
static bool has_ended;

static int print_finding(const struct tarn_finding *finding, void *context)
{
	if (finding->verdict < TARN_POSSIBLE)
		fprintf(stderr, "stress: lost: a block of %zu bytes at %p\n",
			finding->blocks[0].bytes, finding->blocks[0].address);
	return *(int *)context;
}

/* One trace in four is one of everything, the others are by generation. */
static int trace_some(uint64_t n, struct tarn_trace_summary *summary)
{
	int goes_on = 0;
	if (n % 4 == 0)
		return tarn_trace(print_finding, &goes_on, summary,
				  sizeof(*summary));
	return tarn_collect(n % 64 == 1	 ? TARN_OLD
			    : n % 8 == 1 ? TARN_MIDDLE
					 : TARN_YOUNG,
			    print_finding, &goes_on, summary, sizeof(*summary));
}

/* Every block is in some worker's hands or in the yard, whatever the workers do
 * while it is looked for. */
static void *trace_main(void *argument)
{
	struct tarn_trace_summary summary;
	uint64_t n = 0, longest_ns = 0;
	shadow_context = (struct shadow_context){
		.program = "stress", .seed = settings.seed, .doing = "a trace"};
	while (!__atomic_load_n(&has_ended, __ATOMIC_RELAXED)) {
		if (trace_some(n, &summary) != 0)
			shadow_fail("no trace: %s", strerror(errno));
		if (summary.lost_blocks != 0 && summary.threads_unseen == 0)
			shadow_fail("%llu blocks of %llu said to be lost, with "
				    "%llu threads",
				    (unsigned long long)summary.lost_blocks,
				    (unsigned long long)summary.live_blocks,
				    (unsigned long long)summary.threads);
		if (summary.stopped_ns > longest_ns)
			longest_ns = summary.stopped_ns;
		n++;
		usleep(20000);
	}
	printf("stress: %llu traces, the longest of %llu ms\n",
	       (unsigned long long)n, (unsigned long long)longest_ns / 1000000);
	return argument;
}

static void run_rounds(void)
{
	struct random random = {.state = settings.seed};
	struct shadow_block block;
	if (pthread_key_create(&farewell_key, say_farewell) != 0)
		shadow_fail("pthread_key_create");
	for (int round = 0;
	     settings.seconds > 0 ? !time_is_up() : round < ROUNDS; round++) {
		run_round(&random);
		check_round();
	}
	while (yard_pick_up_any(&block))
		worker_free_block(&random, &block);
}

/* Robs the workers of what lies in their magazines, at any moment. */
static void *thief_main(void *argument)
{
	struct random random = {.state = settings.seed + (uintptr_t)argument};
	shadow_context = (struct shadow_context){
		.program = "stress", .seed = settings.seed, .doing = "a theft"};
	while (!__atomic_load_n(&has_ended, __ATOMIC_RELAXED)) {
		/* Without a heap of its own at first, then with one. */
		if (random_one_in(&random, 50)) {
			pthread_mutex_lock(&crew.lock);
			tarn_free(tarn_malloc(random_below(&random, 5000)));
			pthread_mutex_unlock(&crew.lock);
		}
		if (random_one_in(&random, 20))
			tarn_heap_check();
		else
			tarn_purge();
		if (random_one_in(&random, 2))
			usleep((useconds_t)random_by_doubling(&random, 1,
							      LONGEST_WAIT_US));
	}
	return argument;
}

static pthread_t start_thread(void *(*function)(void *), uintptr_t argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, (void *)argument) != 0)
		shadow_fail("pthread_create: %s", strerror(errno));
	return thread;
}

static void run_threads(void)
{
	pthread_t others[MAX_THREADS + 1];
	unsigned n = 0;
	for (; n < settings.thieves; n++)
		others[n] = start_thread(thief_main, n);
	if (settings.traces)
		others[n++] = start_thread(trace_main, 0);
	run_rounds();
	__atomic_store_n(&has_ended, true, __ATOMIC_RELAXED);
	while (n > 0)
		pthread_join(others[--n], NULL);
	printf("stress: %llu magazines robbed, %llu of their blocks\n",
	       (unsigned long long)thefts_count(),
	       (unsigned long long)thefts_count_blocks());
}

/* Nothing is live any more; what a purge leaves is for the reader to judge. */
static void finish(void)
{
	struct tarn_stats stats;
	shadow_context.doing = "the end";
	tarn_purge();
	tarn_heap_check();
	shadow_check_live(0, 0);
	shadow_check_stats();
	tarn_stats_get(&stats, sizeof(stats));
	printf("stress: fine; %llu KiB mapped, %llu resident, %llu metadata\n",
	       (unsigned long long)stats.mapped_bytes / 1024,
	       (unsigned long long)stats.resident_bytes / 1024,
	       (unsigned long long)stats.metadata_bytes / 1024);
}

static uint64_t seed_from_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	struct random random = {.state = (uint64_t)now.tv_nsec ^
					 (uint64_t)now.tv_sec << 30};
	return random_next(&random) >> 16;
}

static _Noreturn void usage(void)
{
	fputs("usage: stress [--threads N] [--ops N] [--seconds S] [--seed N]\n"
	      "              [--max-live BLOCKS] [--no-fork] [--limit MIB]\n"
	      "              [--traces] [--thieves N]\n",
	      stderr);
	exit(2);
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{"threads", required_argument, NULL, 't'},
		{"ops", required_argument, NULL, 'o'},
		{"seconds", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'r'},
		{"max-live", required_argument, NULL, 'm'},
		{"no-fork", no_argument, NULL, 'f'},
		{"limit", required_argument, NULL, 'l'},
		{"traces", no_argument, NULL, 'c'},
		{"thieves", required_argument, NULL, 'p'},
		{NULL, 0, NULL, 0},
	};
	int c;
	settings.seed = seed_from_clock();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			settings.threads = (unsigned)atoi(optarg);
		else if (c == 'o')
			settings.ops = strtoull(optarg, NULL, 0);
		else if (c == 's')
			settings.seconds = atof(optarg);
		else if (c == 'r')
			settings.seed = strtoull(optarg, NULL, 0);
		else if (c == 'm')
			settings.max_live = strtoull(optarg, NULL, 0);
		else if (c == 'l')
			settings.limit_bytes = strtoull(optarg, NULL, 0) * MIB;
		else if (c == 'f')
			settings.may_fork = false;
		else if (c == 'c')
			settings.traces = true;
		else if (c == 'p')
			settings.thieves = (unsigned)atoi(optarg);
		else
			usage();
	}
	if (optind != argc || settings.threads > MAX_THREADS ||
	    settings.thieves > MAX_THREADS || settings.ops < ROUNDS ||
	    settings.max_live < MAX_THREADS)
		usage();
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	printf("stress: seed %#llx, %u threads\n",
	       (unsigned long long)settings.seed, settings.threads);
	fflush(stdout);
	shadow_context = (struct shadow_context){.program = "stress",
						 .seed = settings.seed};
	clock_gettime(CLOCK_MONOTONIC, &began);
	if (settings.threads == 0)
		run_single();
	else
		run_threads();
	finish();
	return 0;
}
