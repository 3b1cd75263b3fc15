/*
 * cancelled: no call of malloc is a point at which a thread can be cancelled,
 * also where it asks the kernel: a thread cancelled there would leave locks
 * behind it, and all others would wait for them.
 */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>

#include "process.h"

enum { MANY = 64 };

/* Atomic, relaxed: which calls have come back. */
static int n_survived;

static void survived(void)
{
	__atomic_fetch_add(&n_survived, 1, __ATOMIC_RELAXED);
}

/* More than a region has: a further one is placed at random. */
static void huge(void)
{
	free(malloc((size_t)1 << 41));
}

/*
 * A block that was moved and freed leaves a mapping of its own; one that spans
 * that and its neighbour cannot be moved, and where it can go is looked up.
 */
static void unmovable(void)
{
	static char *volatile sink[4];
	char *block = malloc(MIB);
	memset(block, 1, MIB);
	sink[0] = malloc(MIB);
	block = realloc(block, 3 * MIB);
	memset(block, 1, 3 * MIB);
	free(block);
	block = malloc(12 * MIB);
	memset(block, 1, 12 * MIB);
	sink[1] = malloc(MIB);
	sink[2] = malloc(4 * MIB);
	block = realloc(block, 20 * MIB);
	EXPECT(block != NULL && block[0] == 1 && block[12 * MIB - 1] == 1);
	free(block);
	for (size_t i = 0; i < 3; i++)
		free(sink[i]);
}

static void ordinary(void)
{
	void *blocks[MANY];
	for (size_t i = 0; i < MANY; i++)
		blocks[i] = calloc(1, i * i * 100 + 1);
	for (size_t i = 0; i < MANY; i++)
		free(blocks[i]);
	malloc_trim(0);
	struct mallinfo2 info = mallinfo2();
	EXPECT(info.arena > 0);
}

static void *call_when_cancelled(void *call)
{
	void *block = malloc(10);
	pthread_cancel(pthread_self());
	((void (*)(void))call)();
	survived();
	free(block);
	pthread_testcancel();
	return NULL;
}

/* In a child: where the locks were left behind it would wait for ever. */
static void check(void (*call)(void))
{
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		void *result;
		expect_anew();
		alarm(60);
		pthread_create(&thread, NULL, call_when_cancelled,
			       (void *)call);
		pthread_join(thread, &result);
		EXPECT(result == PTHREAD_CANCELED);
		EXPECT(n_survived == 1);
		ordinary();
		_exit(expect_status());
	}
	EXPECT(process_succeeds(pid));
}

int main(void)
{
	expect_tarn();
	check(ordinary);
	check(huge);
	check(unmovable);
	return expect_status();
}
