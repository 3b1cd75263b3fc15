/*
 * server: threads that serve sessions, whose blocks wander from thread to
 * thread.
 *
 * Each thread replaces random blocks of one session's table for a while and
 * then goes on with the next one's, which another thread has worked on. With
 * `respawn` it ends instead, and a new thread takes the table over: a heap's
 * blocks outlive their thread. The work is the same for any number of threads.
 */
#include "common/load.h"
#include "threads/work.h"

#include <pthread.h>

#define THREADS_MAX 64
#define SLOTS_MAX 4096

static uint64_t threads = 2, slots = 1000, turns = 64, operations = 2000000;
static uint64_t respawn = 0, limit = 1024, times = 5;

static const struct param params[] = {
	{"threads", &threads, "at a time; there are as many tables"},
	{"slots", &slots, "blocks in a table"},
	{"turns", &turns, "tables a thread works on"},
	{"operations", &operations, "blocks replaced in each time, by all"},
	{"respawn", &respawn, "1: each turn is a new thread's"},
	{"limit", &limit, "largest size"},
	{"times", &times, "that the work is timed"},
};

static struct slot tables[THREADS_MAX][SLOTS_MAX];
static pthread_mutex_t mutexes[THREADS_MAX];
static uint64_t n_done;

static void one_turn(unsigned table, uint64_t turn)
{
	uint64_t n = operations / threads / turns;
	struct random random = {turn << 32 | table};
	/* Who comes early waits for who works there still. */
	pthread_mutex_lock(&mutexes[table]);
	work_replace(tables[table], slots, &random, n, limit);
	pthread_mutex_unlock(&mutexes[table]);
	__atomic_add_fetch(&n_done, n, __ATOMIC_RELAXED);
}

static void serve(void *unused, unsigned i)
{
	(void)unused;
	for (uint64_t turn = 0; turn < turns; turn++)
		one_turn((unsigned)((i + turn) % threads), turn);
}

static void serve_once(void *turn, unsigned i)
{
	uint64_t t = *(uint64_t *)turn;
	one_turn((unsigned)((i + t) % threads), t);
}

static void prepare(void)
{
	n_done = 0;
}

static uint64_t work(void)
{
	if (respawn)
		for (uint64_t turn = 0; turn < turns; turn++)
			load_threads((unsigned)threads, serve_once, &turn);
	else
		load_threads((unsigned)threads, serve, NULL);
	load_check(n_done);
	return n_done;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "threads that work on each other's blocks",
		   params, LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || slots == 0 ||
	    slots > SLOTS_MAX || turns == 0)
		load_fail("a parameter is out of range");
	for (size_t i = 0; i < threads; i++)
		pthread_mutex_init(&mutexes[i], NULL);
	load_repeat("ns_per_op", (unsigned)times, prepare, work);
	for (size_t i = 0; i < threads; i++)
		for (size_t k = 0; k < slots; k++)
			work_give(&tables[i][k]);
	return load_end();
}
