/*
 * forking_host: started by forking_order.sh. Tarn's fork handlers run last
 * before a fork and first after it, though others were registered earlier: by a
 * library, and by this program before any constructor. So another thread can
 * allocate while theirs run.
 */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>

#include "process.h"

enum { N_FORKS = 300, N_ROUNDS = 30, HANGS_S = 300 };

void library_lock(void);
void library_unlock(void);
void library_allocate(size_t size);

static sem_t asked, answered;
/* Atomic, relaxed. */
static int is_over, is_asking;
static int n_before, n_after;

/* The other thread allocates, and takes every lock of tarn's. */
static void let_the_other_allocate(void)
{
	if (!__atomic_load_n(&is_asking, __ATOMIC_RELAXED))
		return;
	sem_post(&asked);
	while (sem_wait(&answered) != 0)
		;
}

static void before_fork(void)
{
	n_before++;
	let_the_other_allocate();
}

static void after_fork(void)
{
	n_after++;
	let_the_other_allocate();
}

static void after_fork_in_child(void)
{
	free(malloc(100000));
}

static void register_early(void)
{
	pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

__attribute__((section(".preinit_array"),
	       used)) static void (*const preinit)(void) = register_early;

static void *answer(void *unused)
{
	for (;;) {
		while (sem_wait(&asked) != 0)
			;
		if (__atomic_load_n(&is_over, __ATOMIC_RELAXED))
			return unused;
		free(malloc(100000));
		mallinfo2();
		sem_post(&answered);
	}
}

static void *allocate_in_library(void *unused)
{
	for (size_t i = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED); i++)
		library_allocate(40000 + i % 50 * 4096);
	return unused;
}

static void fork_often(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			library_allocate(100000);
			_exit(0);
		}
		EXPECT(process_succeeds(pid));
	}
}

int main(void)
{
	pthread_t answering, allocating;
	/* What hangs is killed. */
	alarm(HANGS_S);
	sem_init(&asked, 0, 0);
	sem_init(&answered, 0, 0);
	pthread_create(&answering, NULL, answer, NULL);
	__atomic_store_n(&is_asking, 1, __ATOMIC_RELAXED);
	fork_often(N_ROUNDS);
	EXPECT(n_before == N_ROUNDS && n_after == N_ROUNDS);
	__atomic_store_n(&is_asking, 0, __ATOMIC_RELAXED);
	pthread_create(&allocating, NULL, allocate_in_library, NULL);
	fork_often(N_FORKS);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	sem_post(&asked);
	pthread_join(answering, NULL);
	pthread_join(allocating, NULL);
	return expect_status();
}
