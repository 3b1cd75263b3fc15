/*
 * handover: blocks taken by some threads and freed by others.
 *
 * Producers fill batches of blocks, which pass through a number of other
 * threads (hops), one after the other, to the consumers, which check and free
 * them. A batch is a plain array and changes hands by a bounded queue under a
 * mutex. Waiting threads sleep; with fewer blocks in a batch it would be the
 * waking of threads that is measured.
 */
#include "common/load.h"
#include "threads/work.h"

#include <pthread.h>
#include <stdbool.h>

#define BATCH 256
#define QUEUE 8
#define HOPS_MAX 30

static uint64_t producers = 1, consumers = 1, hops = 0, blocks = 1 << 20;
static uint64_t limit = 1024, times = 5;

static const struct param params[] = {
	{"producers", &producers, "threads that allocate"},
	{"consumers", &consumers, "threads that free"},
	{"hops", &hops, "threads between them, in a chain"},
	{"blocks", &blocks, "in each time"},
	{"limit", &limit, "largest size"},
	{"times", &times, "that the work is timed"},
};

struct batch {
	struct slot slots[BATCH];
	size_t n;
};

/* Full batches in a ring, until all who put some have left. */
static struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled, emptied;
	struct batch ring[QUEUE];
	size_t first, n;
	uint64_t n_putters;
} queues[HOPS_MAX + 1];

static uint64_t n_freed;

static void queue_put(struct queue *queue, const struct batch *batch)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->n == QUEUE)
		pthread_cond_wait(&queue->emptied, &queue->mutex);
	queue->ring[(queue->first + queue->n++) % QUEUE] = *batch;
	pthread_cond_signal(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
}

/* False when nothing is left and nobody will put more. */
static bool queue_take(struct queue *queue, struct batch *batch)
{
	pthread_mutex_lock(&queue->mutex);
	while (queue->n == 0 && queue->n_putters > 0)
		pthread_cond_wait(&queue->filled, &queue->mutex);
	bool taken = queue->n > 0;
	if (taken) {
		*batch = queue->ring[queue->first];
		queue->first = (queue->first + 1) % QUEUE;
		queue->n--;
		pthread_cond_signal(&queue->emptied);
	}
	pthread_mutex_unlock(&queue->mutex);
	return taken;
}

static void queue_leave(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->n_putters--;
	pthread_cond_broadcast(&queue->filled);
	pthread_mutex_unlock(&queue->mutex);
}

static void produce(unsigned i)
{
	struct random random = {i};
	uint64_t left = blocks / producers;
	struct batch batch;

	while (left > 0) {
		batch.n = left < BATCH ? left : BATCH;
		for (size_t k = 0; k < batch.n; k++)
			work_put(&batch.slots[k],
				 work_size(random_next(&random), limit));
		queue_put(&queues[0], &batch);
		left -= batch.n;
	}
	queue_leave(&queues[0]);
}

/* Each block is looked at, as a stage of a pipeline would. */
static void pass_on(unsigned hop)
{
	struct batch batch;
	while (queue_take(&queues[hop], &batch)) {
		for (size_t k = 0; k < batch.n; k++)
			batch.slots[k].block[0] =
				(char)batch.slots[k].size_bytes;
		queue_put(&queues[hop + 1], &batch);
	}
	queue_leave(&queues[hop + 1]);
}

static void consume(void)
{
	struct batch batch;
	uint64_t n = 0;
	while (queue_take(&queues[hops], &batch)) {
		for (size_t k = 0; k < batch.n; k++)
			work_give(&batch.slots[k]);
		n += batch.n;
	}
	__atomic_add_fetch(&n_freed, n, __ATOMIC_RELAXED);
}

static void run_thread(void *unused, unsigned i)
{
	(void)unused;
	if (i < producers)
		produce(i);
	else if (i < producers + hops)
		pass_on((unsigned)(i - producers));
	else
		consume();
}

static void prepare(void)
{
	n_freed = 0;
	for (size_t i = 0; i <= hops; i++) {
		pthread_mutex_init(&queues[i].mutex, NULL);
		pthread_cond_init(&queues[i].filled, NULL);
		pthread_cond_init(&queues[i].emptied, NULL);
		queues[i].n_putters = i == 0 ? producers : 1;
	}
}

static uint64_t work(void)
{
	load_threads((unsigned)(producers + hops + consumers), run_thread,
		     NULL);
	if (n_freed != blocks / producers * producers)
		load_fail("blocks were lost on the way");
	load_check(n_freed);
	return n_freed;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "hands blocks from thread to thread", params,
		   LENGTH(params));
	if (producers == 0 || consumers == 0 || hops > HOPS_MAX ||
	    blocks < producers)
		load_fail("a parameter is out of range");
	load_repeat("ns_per_op", (unsigned)times, prepare, work);
	return load_end();
}
