/*
 * idle_threads: what hundreds of threads keep that have worked once and wait.
 *
 * Each takes a burst of blocks of several sizes, frees them, and sleeps until
 * the end, as the threads of a server's pool do. Meanwhile the first thread
 * goes on working lightly for two seconds, or with `idle` sleeps too.
 */
#include "memory/memory.h"

#include <pthread.h>

#define BLOCKS 500

static uint64_t threads = 300, wait_ms = 2000, idle = 0;

static const struct param params[] = {
	{"threads", &threads, "that wait"},
	{"wait_ms", &wait_ms, "until the second look"},
	{"idle", &idle, "1: sleep rather than work lightly"},
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t n_waiting, n_checked;
static int over;

static void burst(uint64_t seed)
{
	struct random random = {seed};
	char *blocks[BLOCKS];
	size_t sizes[BLOCKS];

	for (size_t i = 0; i < BLOCKS; i++) {
		sizes[i] = memory_size(&random, 8192);
		blocks[i] = memory_take(sizes[i]);
	}
	for (size_t i = 0; i < BLOCKS; i++)
		block_give(blocks[i], sizes[i]);
}

static void wait_for_the_end(void)
{
	pthread_mutex_lock(&mutex);
	n_waiting++;
	n_checked += BLOCKS;
	pthread_cond_broadcast(&changed);
	while (!over)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void look(uint64_t start_bytes)
{
	pthread_mutex_lock(&mutex);
	while (n_waiting < threads)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
	load_metric("rss_at_once_bytes",
		    (double)(load_anonymous_bytes() - start_bytes));
	if (idle)
		sleep_ms((unsigned)wait_ms);
	else
		work_lightly((unsigned)wait_ms);
	load_metric("rss_later_bytes",
		    (double)(load_anonymous_bytes() - start_bytes));
	memory_trim();
	load_metric("rss_trimmed_bytes",
		    (double)(load_anonymous_bytes() - start_bytes));
	pthread_mutex_lock(&mutex);
	over = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void run_thread(void *start_bytes, unsigned i)
{
	if (i == threads) {
		look(*(uint64_t *)start_bytes);
	} else {
		burst(i);
		wait_for_the_end();
	}
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "threads that worked once and wait", params,
		   LENGTH(params));
	uint64_t start_bytes = load_anonymous_bytes();
	load_threads((unsigned)threads + 1, run_thread, &start_bytes);
	load_check(n_checked);
	return load_end();
}
