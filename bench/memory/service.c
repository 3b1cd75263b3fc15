/*
 * service: hours of a service's life in a second.
 *
 * Time is counted in operations. Requests take blocks that live for a moment,
 * sessions some that live for minutes, a cache entries that are replaced by
 * chance. The load goes up and down as by day and night, and what is a typical
 * size drifts slowly, so that memory freed in the morning must serve other
 * sizes at night. Threads have shares of their own, but a session may be ended
 * by another thread than began it.
 */
#include "memory/memory.h"

#include <pthread.h>

#define SESSIONS 4096
#define CACHE 16384
#define REQUEST 24
#define THREADS_MAX 16
#define DAYS 4
#define LOOKS 50

static uint64_t threads = 1, operations = 200000;

static const struct param params[] = {
	{"threads", &threads, "that serve"},
	{"operations", &operations, "requests, of all threads"},
};

struct entry {
	char *block;
	size_t size_bytes;
};

/* Shared: a session is anybody's. */
static struct entry sessions[SESSIONS];
static pthread_mutex_t session_mutexes[64];

static struct server {
	struct random random;
	struct entry cache[CACHE];
	double rss_sum;
	uint64_t n_looks, sum;
} servers[THREADS_MAX];

static void replace(struct entry *entry, size_t size_bytes)
{
	if (entry->block != NULL)
		block_give(entry->block, entry->size_bytes);
	entry->block = size_bytes > 0 ? memory_take(size_bytes) : NULL;
	entry->size_bytes = size_bytes;
}

/* 0 at night, 1 at noon. */
static double load_of(double day)
{
	double phase = day - (double)(uint64_t)day;
	return phase < 0.5 ? 2 * phase : 2 - 2 * phase;
}

/* Sizes around a middle that drifts from 100 B to 1,600 B over the days. */
static size_t drifting_size(struct random *random, double day)
{
	double middle = 100 * (1 + 15 * day / DAYS);
	uint64_t r = random_next(random);
	double spread = (double)(1 + (r & 15)) / 8;
	size_t size_bytes = (size_t)(middle * spread);
	return (r >> 8) % 64 == 0 ? 16 * size_bytes : size_bytes;
}

static void use_session(struct server *server, double day)
{
	uint64_t r = random_next(&server->random);
	size_t i = r % SESSIONS;
	/* By night most sessions end. */
	int ends = (double)(r >> 40) / (1 << 24) > load_of(day);
	pthread_mutex_t *mutex = &session_mutexes[i % LENGTH(session_mutexes)];
	pthread_mutex_lock(mutex);
	replace(&sessions[i],
		ends ? 0 : 4 * drifting_size(&server->random, day));
	pthread_mutex_unlock(mutex);
}

static void serve_request(struct server *server, double day)
{
	struct entry blocks[REQUEST] = {{NULL, 0}};
	for (size_t i = 0; i < REQUEST; i++) {
		size_t size_bytes = memory_size(&server->random, 8192);
		blocks[i].block = block_take(size_bytes);
		blocks[i].size_bytes = size_bytes;
		server->sum += size_bytes;
	}
	use_session(server, day);
	size_t slots = CACHE / threads;
	size_t used = (size_t)((double)slots * (0.3 + 0.7 * load_of(day)));
	size_t i = random_below(&server->random, slots);
	replace(&server->cache[i],
		i < used ? drifting_size(&server->random, day) : 0);
	for (size_t k = 0; k < REQUEST; k++)
		block_give(blocks[k].block, blocks[k].size_bytes);
}

static void run_server(void *start_bytes, unsigned i)
{
	struct server *server = &servers[i];
	uint64_t n = operations / threads;

	server->random.state = i;
	for (uint64_t k = 0; k < n; k++) {
		serve_request(server, DAYS * (double)k / (double)n);
		if (i == 0 && k % (n / LOOKS + 1) == 0) {
			server->rss_sum += (double)(load_anonymous_bytes() -
						    *(uint64_t *)start_bytes);
			server->n_looks++;
		}
	}
}

/* The tables' own pages are there before the first look. */
static void touch_tables(void)
{
	for (size_t i = 0; i < threads; i++)
		memset(servers[i].cache, 0, sizeof(servers[i].cache));
	memset(sessions, 0, sizeof(sessions));
	for (size_t i = 0; i < LENGTH(session_mutexes); i++)
		pthread_mutex_init(&session_mutexes[i], NULL);
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "a service with drifting sizes", params,
		   LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || operations < threads)
		load_fail("a parameter is out of range");
	touch_tables();
	uint64_t start_bytes = load_anonymous_bytes();
	uint64_t taken_ns =
		load_threads((unsigned)threads, run_server, &start_bytes);
	for (size_t i = 0; i < threads; i++)
		load_check(servers[i].sum);
	load_metric("ns_per_op", (double)taken_ns / (double)operations);
	load_metric("rss_mean_bytes",
		    servers[0].rss_sum / (double)servers[0].n_looks);
	load_metric("rss_end_bytes",
		    (double)(load_anonymous_bytes() - start_bytes));
	return load_end();
}
