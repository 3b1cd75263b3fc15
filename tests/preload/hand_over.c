/*
 * hand_over: blocks allocated by one thread and freed by another, in several
 * patterns, keep their contents; and memory does not grow with the number of
 * blocks handed over.
 */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "pattern.h"
#include "process.h"

enum { N_THREADS = 6, DEPTH = 64, N_HANDED = 60000, N_SLOTS = 256 };

struct block {
	size_t size;
	unsigned char filling[];
};

/* A short queue from any thread to any other. */
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Guarded by lock. */
	struct block *blocks[DEPTH];
	size_t n_in, n_out;
};

static struct queue queues[N_THREADS];
/* Atomic: exchanged, acquire and release. */
static struct block *slots[N_SLOTS];

static void put(struct queue *queue, struct block *block)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->n_in - queue->n_out == DEPTH)
		pthread_cond_wait(&queue->changed, &queue->lock);
	queue->blocks[queue->n_in++ % DEPTH] = block;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

static struct block *take(struct queue *queue)
{
	pthread_mutex_lock(&queue->lock);
	while (queue->n_in == queue->n_out)
		pthread_cond_wait(&queue->changed, &queue->lock);
	struct block *block = queue->blocks[queue->n_out++ % DEPTH];
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	return block;
}

static struct block *make(uint64_t *seed)
{
	size_t limit = (size_t)16 << pattern_random(seed) % 11;
	size_t size = pattern_random(seed) % limit;
	struct block *block = malloc(sizeof(*block) + size);
	block->size = size;
	pattern_fill(block->filling, size, size);
	return block;
}

static void retire(struct block *block)
{
	if (block == NULL)
		return;
	EXPECT(pattern_holds(block->filling, block->size, block->size));
	free(block);
}

static void *produce(void *argument)
{
	uint64_t seed = (uintptr_t)argument;
	for (int i = 0; i < N_HANDED; i++)
		put(argument, make(&seed));
	return NULL;
}

static void *consume(void *argument)
{
	for (int i = 0; i < N_HANDED; i++)
		retire(take(argument));
	return NULL;
}

/* Takes from the thread before, resizes and passes on to the next. */
static void *pass_on(void *argument)
{
	size_t me = (uintptr_t)argument;
	uint64_t seed = me;
	for (int i = 0; i < DEPTH / 4; i++)
		put(&queues[me], make(&seed));
	for (int i = 0; i < N_HANDED / 4; i++) {
		struct block *block =
			take(&queues[(me + N_THREADS - 1) % N_THREADS]);
		if (i % 3 == 0) {
			retire(block);
			block = make(&seed);
		} else if (i % 3 == 1) {
			size_t size = block->size / 2;
			block = realloc(block, sizeof(*block) + size);
			EXPECT(pattern_holds(block->filling, size,
					     block->size));
			block->size = size;
			pattern_fill(block->filling, size, size);
		}
		put(&queues[me], block);
	}
	return NULL;
}

/* Puts its own blocks where anybody may take them. */
static void *scatter(void *argument)
{
	uint64_t seed = (uintptr_t)argument;
	for (int i = 0; i < N_HANDED; i++)
		retire(__atomic_exchange_n(
			&slots[pattern_random(&seed) % N_SLOTS], make(&seed),
			__ATOMIC_ACQ_REL));
	return NULL;
}

static void from_one_to_one(void)
{
	pthread_t threads[N_THREADS];
	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, i % 2 ? consume : produce,
			       &queues[i / 2]);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void around_a_ring(void)
{
	pthread_t threads[N_THREADS];
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, pass_on, (void *)i);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < N_THREADS; i++)
		while (queues[i].n_in != queues[i].n_out)
			retire(take(&queues[i]));
}

static void from_any_to_any(void)
{
	pthread_t threads[N_THREADS];
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, scatter, (void *)i);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < N_SLOTS; i++)
		retire(__atomic_exchange_n(&slots[i], NULL, __ATOMIC_ACQ_REL));
}

int main(void)
{
	expect_tarn();
	for (int i = 0; i < N_THREADS; i++) {
		pthread_mutex_init(&queues[i].lock, NULL);
		pthread_cond_init(&queues[i].changed, NULL);
	}
	size_t before = mallinfo2().uordblks;
	for (int round = 0; round < 3; round++) {
		from_one_to_one();
		around_a_ring();
		from_any_to_any();
	}
	EXPECT(mallinfo2().uordblks < before + MIB);
	EXPECT(process_resident_bytes() < 100 * MIB);
	return expect_status();
}
