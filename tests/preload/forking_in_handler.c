/*
 * forking_in_handler: a signal handler forks, wherever in malloc and free the
 * signal struck. In a program of one thread every other child returns from the
 * handler and goes on with what was interrupted; where other threads allocate
 * meanwhile the child leaves at once, as POSIX asks for. The signal may also
 * strike inside a fork, or in a thread while another forks.
 */
#include "expect.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>

#include "pattern.h"
#include "process.h"

enum { N_THREADS = 2, N_FORKS = 200, N_BLOCKS = 100, INTERVAL_US = 700 };

static volatile sig_atomic_t n_forks, is_child, has_threads;
/* Atomic, relaxed. */
static int is_over;

static void handle(int signal)
{
	(void)signal;
	int saved_errno = errno;
	if (is_child || n_forks >= N_FORKS)
		return;
	pid_t pid = fork();
	if (pid == 0 && (has_threads || n_forks % 2 == 0))
		_exit(0);
	if (pid == 0) {
		expect_anew();
		is_child = 1;
	} else {
		n_forks++;
		EXPECT(process_succeeds(pid));
	}
	errno = saved_errno;
}

static void replace_one(char **blocks, size_t *sizes, uint64_t *seed)
{
	size_t i = pattern_random(seed) % N_BLOCKS;
	if (blocks[i] != NULL)
		EXPECT(pattern_holds(blocks[i], sizes[i], i));
	free(blocks[i]);
	sizes[i] = pattern_random(seed) %
		   ((size_t)16 << pattern_random(seed) % 14);
	blocks[i] = malloc(sizes[i]);
	if (EXPECT(blocks[i] != NULL))
		pattern_fill(blocks[i], sizes[i], i);
}

static void free_all(char **blocks)
{
	for (int i = 0; i < N_BLOCKS; i++)
		free(blocks[i]);
}

static void allocate_until_done(void)
{
	char *blocks[N_BLOCKS] = {NULL};
	size_t sizes[N_BLOCKS];
	uint64_t seed = 5;
	n_forks = 0;
	while (!is_child && n_forks < N_FORKS)
		replace_one(blocks, sizes, &seed);
	for (int i = 0; is_child && i < 1000; i++)
		replace_one(blocks, sizes, &seed);
	free_all(blocks);
	if (is_child)
		_exit(expect_status());
}

/* Forks all the time, so that signals strike there. */
static void fork_until_done(void)
{
	n_forks = 0;
	while (!is_child && n_forks < N_FORKS) {
		void *block = malloc(70000);
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		/* The handler's child may have this thread's to wait for. */
		EXPECT(process_succeeds(pid) || is_child);
		free(block);
	}
	if (is_child)
		_exit(expect_status());
}

/* Another thread, which the signal passes by. */
static void *allocate_beside(void *argument)
{
	char *blocks[N_BLOCKS] = {NULL};
	size_t sizes[N_BLOCKS];
	uint64_t seed = (uintptr_t)argument;
	for (uint64_t n = 0; !__atomic_load_n(&is_over, __ATOMIC_RELAXED);
	     n++) {
		replace_one(blocks, sizes, &seed);
		/* Takes every lock, as a fork does. */
		if (n % 100 == 0)
			mallinfo2();
	}
	free_all(blocks);
	return NULL;
}

static void with_other_threads(void)
{
	pthread_t threads[N_THREADS];
	sigset_t alarm;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, allocate_beside, (void *)i);
	has_threads = 1;
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	allocate_until_done();
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_RESTART};
	struct itimerval every = {{0, INTERVAL_US}, {0, INTERVAL_US}};
	expect_tarn();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	allocate_until_done();
	fork_until_done();
	with_other_threads();
	return expect_status();
}
