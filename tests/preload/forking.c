/*
 * forking: a program forks while its other threads allocate and free. The child
 * and its child can do all that the parent could: allocate, start threads, and
 * free the blocks of threads that they do not have.
 */
#include "expect.h"

#include <pthread.h>
#include <stdint.h>

#include "pattern.h"
#include "process.h"

enum { N_THREADS = 4, N_SLOTS = 512, N_ROUNDS = 100, N_STEPS = 500 };

struct block {
	size_t size;
	unsigned char filling[];
};

/* Atomic: a block is put in (release) and taken out (acquire) by exchange. */
static struct block *slots[N_SLOTS];
static int is_over;

static size_t random_size(uint64_t *seed)
{
	size_t limit = (size_t)1 << (4 + pattern_random(seed) % 9);
	if (pattern_random(seed) % 50 == 0)
		limit *= 64;
	return pattern_random(seed) % limit;
}

/* Checks and frees a block, of whatever thread. */
static void retire(struct block *block)
{
	if (block == NULL)
		return;
	EXPECT(pattern_holds(block->filling, block->size, block->size));
	free(block);
}

static void replace_one(uint64_t *seed)
{
	size_t size = random_size(seed);
	struct block *block = malloc(sizeof(*block) + size);
	if (!EXPECT(block != NULL))
		return;
	block->size = size;
	pattern_fill(block->filling, size, size);
	retire(__atomic_exchange_n(&slots[pattern_random(seed) % N_SLOTS],
				   block, __ATOMIC_ACQ_REL));
}

static void *work_on(void *argument)
{
	uint64_t seed = (uintptr_t)argument;
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		replace_one(&seed);
	return NULL;
}

static void *work_a_little(void *argument)
{
	uint64_t seed = (uintptr_t)argument;
	for (int i = 0; i < N_STEPS / 4; i++)
		replace_one(&seed);
	return NULL;
}

static void use_everything(uint64_t seed)
{
	pthread_t threads[2];
	for (int i = 0; i < N_STEPS; i++)
		replace_one(&seed);
	for (uintptr_t i = 0; i < 2; i++)
		EXPECT(pthread_create(&threads[i], NULL, work_a_little,
				      (void *)(seed + i)) == 0);
	for (int i = 0; i < N_STEPS; i++)
		replace_one(&seed);
	for (int i = 0; i < 2; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	size_t (*heap_check)(void);
	*(void **)&heap_check = dlsym(RTLD_DEFAULT, "tarn_heap_check");
	heap_check();
}

static void be_the_child(uint64_t seed)
{
	expect_anew();
	use_everything(seed);
	pid_t pid = fork();
	if (pid == 0) {
		expect_anew();
		use_everything(seed + 1);
		for (int i = 0; i < N_SLOTS; i++)
			retire(slots[i]);
		_exit(expect_status());
	}
	use_everything(seed + 2);
	EXPECT(process_succeeds(pid));
	_exit(expect_status());
}

int main(void)
{
	pthread_t threads[N_THREADS];
	expect_tarn();
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, work_on, (void *)i);
	for (uint64_t round = 0; round < N_ROUNDS; round++) {
		pid_t pid = fork();
		if (pid == 0)
			be_the_child(round * 1000);
		EXPECT(process_succeeds(pid));
	}
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < N_SLOTS; i++)
		retire(slots[i]);
	return expect_status();
}
