/*
 * young_threads: threads change lists in the heap all the while, and keep all
 * that they have; no trace of any generation may find anything lost.
 *
 * Nodes move from list to list, so that a pointer to an old block is at times
 * in a register alone, and then in a page that no trace has seen written.
 * Blocks are never cleared: what lies in them from before points anywhere.
 *
 * usage: young_threads [--seconds N] [--threads N] [--automatic]
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../stress/random.h"
#include "tarn.h"

#define LISTS 64
#define NODES 3000 /* of a thread, about */
#define THREADS_MAX 16
#define EXCHANGE 32

struct node {
	struct node *next;
	char *value;
	size_t number;
};

struct table {
	struct node **lists;
	size_t n_lists;
	size_t n_nodes;
};

static int seconds = 5, n_threads = 3;
static bool is_automatic, is_over;
static uint64_t n_lost, n_findings;

/* Lists on their way from thread to thread, in a block. */
static pthread_mutex_t exchange_lock = PTHREAD_MUTEX_INITIALIZER;
static struct node **exchange;

static void *need(void *block)
{
	if (block == NULL) {
		fputs("young_threads: no memory\n", stderr);
		exit(1);
	}
	return block;
}

static struct node **some_list(struct table *table, struct random *random)
{
	return &table->lists[random_below(random, table->n_lists)];
}

static void push(struct node **list, struct node *node)
{
	node->next = *list;
	*list = node;
}

static struct node *pop(struct node **list)
{
	struct node *node = *list;
	if (node != NULL)
		*list = node->next;
	return node;
}

static void insert(struct table *table, struct random *random)
{
	struct node *node = need(tarn_malloc(sizeof(*node)));
	size_t bytes = random_one_in(random, 500)
			       ? random_by_doubling(random, 33000, 500000)
			       : random_by_doubling(random, 8, 1000);
	node->number = bytes;
	node->value = need(tarn_malloc(bytes));
	node->value[0] = 1;
	push(some_list(table, random), node);
	table->n_nodes++;
}

static void discard(struct table *table, struct node *node)
{
	if (node == NULL)
		return;
	tarn_free(node->value);
	tarn_free(node);
	table->n_nodes--;
}

/* To the end of another list, deep in pages that are old. */
static void append(struct node **list, struct node *node)
{
	node->next = NULL;
	while (*list != NULL)
		list = &(*list)->next;
	*list = node;
}

static void move(struct table *table, struct random *random)
{
	struct node *node = pop(some_list(table, random));
	if (node == NULL)
		return;
	if (random_one_in(random, 2))
		append(some_list(table, random), node);
	else
		push(some_list(table, random), node);
}

static void grow_value(struct table *table, struct random *random)
{
	struct node *node = *some_list(table, random);
	if (node == NULL)
		return;
	char *moved = need(tarn_realloc(node->value, node->number * 5 / 4 + 9));
	if (moved != node->value) /* as some programs do */
		node->value = moved;
	node->number = node->number > 300000 ? 100 : node->number * 5 / 4 + 9;
}

static void renew_lists(struct table *table)
{
	size_t n = table->n_lists;
	struct node **lists = need(tarn_malloc(n * sizeof(*lists)));
	memcpy(lists, table->lists, n * sizeof(*lists));
	struct node **old = table->lists;
	table->lists = lists;
	tarn_free(old);
}

/* A whole list goes to another thread, and another comes. */
static void trade(struct table *table, struct random *random)
{
	size_t i = random_below(random, EXCHANGE);
	struct node **list = some_list(table, random);
	pthread_mutex_lock(&exchange_lock);
	struct node *came = exchange[i];
	exchange[i] = *list;
	*list = came;
	pthread_mutex_unlock(&exchange_lock);
	size_t n = 0;
	for (size_t l = 0; l < table->n_lists; l++)
		for (came = table->lists[l]; came != NULL; came = came->next)
			n++;
	table->n_nodes = n;
}

static void change(struct table *table, struct random *random)
{
	size_t what = random_below(random, 1000);
	if (what == 0)
		renew_lists(table);
	else if (what < 10)
		trade(table, random);
	else if (what < 150)
		move(table, random);
	else if (what < 200)
		grow_value(table, random);
	else if (random_below(random, 2 * NODES) >= table->n_nodes)
		insert(table, random);
	else
		discard(table, pop(some_list(table, random)));
}

static void *work(void *argument)
{
	struct random random = {(uintptr_t)argument};
	struct table table = {.n_lists = LISTS};
	table.lists = need(tarn_calloc(LISTS, sizeof(*table.lists)));
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		change(&table, &random);
		if (random_one_in(&random, 100000))
			tarn_purge();
	}
	for (size_t i = 0; i < table.n_lists; i++)
		while (table.lists[i] != NULL)
			discard(&table, pop(&table.lists[i]));
	tarn_free(table.lists);
	return NULL;
}

static int tell_finding(const struct tarn_finding *finding, void *context)
{
	(void)context;
	if (finding->verdict >= TARN_POSSIBLE)
		return 0;
	__atomic_fetch_add(&n_findings, 1, __ATOMIC_RELAXED);
	fprintf(stderr, "young_threads: lost: %zu bytes at %p\n",
		finding->blocks[0].bytes, finding->blocks[0].address);
	return 0;
}

static void see(enum tarn_collect_phase phase, enum tarn_generation generation,
		const struct tarn_trace_summary *summary, void *context)
{
	(void)generation;
	(void)context;
	if (phase == TARN_COLLECT_END && summary != NULL &&
	    summary->threads_unseen == 0)
		__atomic_fetch_add(&n_lost, summary->lost_blocks,
				   __ATOMIC_RELAXED);
}

static void collect(uint64_t n)
{
	struct tarn_trace_summary summary;
	enum tarn_generation generation = n % 400 == 0	? TARN_OLD
					  : n % 20 == 0 ? TARN_MIDDLE
							: TARN_YOUNG;
	if (tarn_collect(generation, tell_finding, NULL, &summary,
			 sizeof(summary)) != 0) {
		fprintf(stderr, "young_threads: %s\n", strerror(errno));
		exit(1);
	}
	if (summary.threads_unseen == 0)
		n_lost += summary.lost_blocks;
}

static void run_automatic(void)
{
	static const struct tarn_thresholds thresholds = {
		.young_bytes = 65536,
		.young_ms = 2,
		.middle = 20,
		.old = 20,
	};
	tarn_callback_set(see, tell_finding, NULL);
	tarn_threshold_set(&thresholds, sizeof(thresholds));
	sleep((unsigned)seconds);
	tarn_threshold_set(&(struct tarn_thresholds){0}, sizeof(thresholds));
}

static void tell_stats(void)
{
	static const char *const names[] = {"young", "middle", "old"};
	struct tarn_generation_stats stats;
	for (int g = TARN_YOUNG; g <= TARN_OLD; g++) {
		tarn_generation_stats_get((enum tarn_generation)g, &stats,
					  sizeof(stats));
		uint64_t n = stats.traces == 0 ? 1 : stats.traces;
		printf("young_threads: %llu %s traces, %llu of them full: "
		       "%llu us, %llu KiB, %llu pages written, %llu blocks "
		       "judged each\n",
		       (unsigned long long)stats.traces, names[g],
		       (unsigned long long)stats.full,
		       (unsigned long long)(stats.stopped_ns / n / 1000),
		       (unsigned long long)(stats.scanned_bytes / n / 1024),
		       (unsigned long long)(stats.written_pages / n),
		       (unsigned long long)(stats.judged_blocks / n));
	}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"seconds", required_argument, NULL, 's'},
		{"threads", required_argument, NULL, 't'},
		{"automatic", no_argument, NULL, 'a'},
		{NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seconds = atoi(optarg);
		else if (option == 't')
			n_threads = atoi(optarg);
		else if (option == 'a')
			is_automatic = true;
		else
			exit(2);
	}
	if (n_threads > THREADS_MAX)
		n_threads = THREADS_MAX;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	parse(argc, argv);
	exchange = need(tarn_calloc(EXCHANGE, sizeof(*exchange)));
	for (int i = 0; i < n_threads; i++)
		if (pthread_create(&threads[i], NULL, work,
				   (void *)(uintptr_t)(i + 1)) != 0)
			return 1;
	time_t end = time(NULL) + seconds;
	if (is_automatic)
		run_automatic();
	for (uint64_t n = 0; !is_automatic && time(NULL) < end; n++)
		collect(n);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	tell_stats();
	if (n_lost != 0 || n_findings != 0) {
		fprintf(stderr, "young_threads: %llu blocks said to be lost\n",
			(unsigned long long)n_lost);
		return 1;
	}
	return 0;
}
