/*
 * after_main: memory is there to the very end: in thread destructors, however
 * often they come back, in atexit handlers, in destructors, and when stdio
 * flushes its last buffer.
 */
#include "expect.h"

#include <limits.h>
#include <pthread.h>

#include "pattern.h"

enum { N_KEYS = 50, N_THREADS = 20, SIZE = 3000 };

static pthread_key_t keys[N_KEYS];
static int n_calls;
/* Allocated by main, to be freed at the very end. */
static char *early[2];

struct value {
	int round;
	pthread_key_t key;
	char filling[SIZE];
};

static struct value *value_make(pthread_key_t key, int round)
{
	struct value *value = malloc(sizeof(*value));
	value->round = round;
	value->key = key;
	pattern_fill(value->filling, SIZE, key);
	return value;
}

/* Comes back as long as the C library lets it, each time with a new block. */
static void destroy(void *argument)
{
	struct value *value = argument;
	pthread_key_t key = value->key;
	int round = value->round;
	EXPECT(pattern_holds(value->filling, SIZE, key));
	__atomic_fetch_add(&n_calls, 1, __ATOMIC_RELAXED);
	free(value);
	if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(key, value_make(key, round + 1));
}

static void *run(void *argument)
{
	for (int i = 0; i < N_KEYS; i++)
		pthread_setspecific(keys[i], value_make(keys[i], 1));
	return argument;
}

static void threads_end(void)
{
	pthread_t threads[N_THREADS];
	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(n_calls == N_THREADS * N_KEYS * PTHREAD_DESTRUCTOR_ITERATIONS);
}

/* Allocates and frees a little of everything. */
static void exercise(void)
{
	char *blocks[20];
	for (int i = 0; i < 20; i++) {
		blocks[i] = calloc(1, (size_t)1 << i);
		EXPECT(pattern_is_zero(blocks[i], (size_t)1 << i));
		pattern_fill(blocks[i], (size_t)1 << i, (size_t)i);
	}
	for (int i = 0; i < 20; i++) {
		EXPECT(pattern_holds(blocks[i], (size_t)1 << i, (size_t)i));
		free(blocks[i]);
	}
}

static void at_exit(void)
{
	exercise();
	EXPECT(pattern_holds(early[0], SIZE, 1));
	free(early[0]);
}

/* The last function of this program to run; exit() can no longer be told. */
__attribute__((destructor(101))) static void at_last(void)
{
	exercise();
	EXPECT(pattern_holds(early[1], SIZE, 2));
	free(early[1]);
	if (expect_failures > 0)
		_exit(expect_status());
}

int main(void)
{
	expect_tarn();
	for (int i = 0; i < N_KEYS; i++)
		pthread_key_create(&keys[i], destroy);
	for (size_t i = 0; i < 2; i++) {
		early[i] = malloc(SIZE);
		pattern_fill(early[i], SIZE, i + 1);
	}
	atexit(at_exit);
	threads_end();
	run(NULL);
	printf("this line waits in a buffer until the end\n");
	pthread_exit(NULL);
}
