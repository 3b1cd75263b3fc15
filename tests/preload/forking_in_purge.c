/*
 * forking_in_purge: a process forks while another thread of it purges. In the
 * child memory is purged by time as before, by its own thread and by one that
 * takes over the heap of the thread that is not there.
 */
#include "expect.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "process.h"

#define FREED_BYTES ((size_t)4 << 20)
#define BLOCK_BYTES ((size_t)256 << 10)
/* A bound on what would never end. */
#define TRIES 5000

/* Atomic, relaxed: calls seen; whether the next is to wait, and waits. */
static unsigned long n_calls;
static int is_armed, is_waiting;

/* Stands before libc's. */
__attribute__((visibility("default"))) int madvise(void *at, size_t bytes,
						   int advice)
{
	__atomic_fetch_add(&n_calls, 1, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&is_armed, 0, __ATOMIC_RELAXED)) {
		__atomic_store_n(&is_waiting, 1, __ATOMIC_RELAXED);
		while (__atomic_load_n(&is_waiting, __ATOMIC_RELAXED))
			usleep(1000);
	}
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

static void use(size_t bytes)
{
	void *block = malloc(bytes);
	EXPECT(block != NULL);
	memset(block, 1, bytes);
	free(block);
}

/* Frees something, and looks in now and then, until something was purged. */
static void *be_purged(void *argument)
{
	unsigned long before = __atomic_load_n(&n_calls, __ATOMIC_RELAXED);
	use(FREED_BYTES);
	for (int i = 0; i < TRIES; i++) {
		use(BLOCK_BYTES);
		if (__atomic_load_n(&n_calls, __ATOMIC_RELAXED) != before)
			return argument;
		usleep(1000);
	}
	return NULL;
}

static int live_as_child(void)
{
	int one = 1;
	void *result = NULL;
	pthread_t thread;
	EXPECT(be_purged(&one) != NULL);
	/* The heap of the thread that was purging is the first to be had. */
	pthread_create(&thread, NULL, be_purged, &one);
	pthread_join(thread, &result);
	EXPECT(result != NULL);
	return expect_status();
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int one = 1;
	if (argc == 1) {
		setenv("TARN_CONF", "decay:10ms", 1);
		execl("/proc/self/exe", argv[0], "again", NULL);
	}
	free(malloc(1));
	__atomic_store_n(&is_armed, 1, __ATOMIC_RELAXED);
	pthread_create(&thread, NULL, be_purged, &one);
	while (!__atomic_load_n(&is_waiting, __ATOMIC_RELAXED))
		sched_yield();
	pid_t child = fork();
	if (child == 0)
		_exit(live_as_child());
	EXPECT(process_succeeds(child));
	__atomic_store_n(&is_waiting, 0, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return expect_status();
}
