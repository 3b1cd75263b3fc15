/*
 * signals: threads allocate while a timer and their neighbours send them
 * signals all the time. The handler calls async-signal-safe functions only.
 */
#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#include "pattern.h"

enum { N_THREADS = 4, N_STEPS = 60000, N_BLOCKS = 200, INTERVAL_US = 200 };

static pthread_t threads[N_THREADS];
static pthread_barrier_t begin, end;

/* Atomic, relaxed: a count. */
static int n_handled;
static int null_fd;

static void handle(int signal)
{
	int saved_errno = errno;
	struct timespec now;
	sigset_t set;
	if (write(null_fd, &signal, sizeof(signal)) < 0)
		_exit(1);
	clock_gettime(CLOCK_MONOTONIC, &now);
	sigemptyset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	__atomic_fetch_add(&n_handled, 1, __ATOMIC_RELAXED);
	errno = saved_errno;
}

static void *allocate(void *argument)
{
	size_t me = (uintptr_t)argument;
	char *blocks[N_BLOCKS] = {NULL};
	size_t sizes[N_BLOCKS];
	uint64_t seed = me;
	pthread_barrier_wait(&begin);
	errno = 1234;
	for (int step = 0; step < N_STEPS; step++) {
		size_t i = pattern_random(&seed) % N_BLOCKS;
		if (blocks[i] != NULL)
			EXPECT(pattern_holds(blocks[i], sizes[i], i));
		free(blocks[i]);
		sizes[i] = pattern_random(&seed) %
			   ((size_t)16 << pattern_random(&seed) % 9);
		blocks[i] = malloc(sizes[i]);
		if (EXPECT(blocks[i] != NULL))
			pattern_fill(blocks[i], sizes[i], i);
		EXPECT(errno == 1234);
		if (step % 4 == 0)
			pthread_kill(threads[(me + 1) % N_THREADS], SIGUSR1);
	}
	pthread_barrier_wait(&end);
	for (int i = 0; i < N_BLOCKS; i++)
		free(blocks[i]);
	return NULL;
}

static void set_handlers(void)
{
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_RESTART};
	null_fd = open("/dev/null", O_WRONLY);
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

int main(void)
{
	struct itimerval every = {{0, INTERVAL_US}, {0, INTERVAL_US}};
	struct itimerval never = {{0, 0}, {0, 0}};
	expect_tarn();
	set_handlers();
	pthread_barrier_init(&begin, NULL, N_THREADS + 1);
	pthread_barrier_init(&end, NULL, N_THREADS + 1);
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, allocate, (void *)i);
	pthread_barrier_wait(&begin);
	setitimer(ITIMER_REAL, &every, NULL);
	pthread_barrier_wait(&end);
	setitimer(ITIMER_REAL, &never, NULL);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	EXPECT(n_handled > N_STEPS / 100);
	return expect_status();
}
