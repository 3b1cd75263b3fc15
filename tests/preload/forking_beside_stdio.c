/*
 * forking_beside_stdio: libc locks the list of all streams in a fork. Who holds
 * that lock may wait for a stream, and who holds the stream for malloc: so the
 * heap's locks must come after it.
 */
#include "expect.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "process.h"

enum { N_ROUNDS = 20, N_FORKS = 300, TEXT_BYTES = 100000, LINE_BYTES = 30000 };
enum { HANGS_S = 300 };

void _IO_list_lock(void) __attribute__((weak));
void _IO_list_unlock(void) __attribute__((weak));

/* Atomic: stored with release. */
static int forking_id, is_over;

static pid_t thread_number(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* True if the thread ID waits in the kernel for a lock; -1 if nobody knows. */
static int waits_for_lock(int id)
{
	char path[64], text[16] = "";
	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", id);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	return strtol(text, NULL, 10) == SYS_futex;
}

static void *fork_once(void *unused)
{
	__atomic_store_n(&forking_id, thread_number(), __ATOMIC_RELEASE);
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	EXPECT(process_succeeds(pid));
	return unused;
}

/* Another thread forks while this one has the list. */
static int allocate_under_the_list(void)
{
	pthread_t thread;
	int id, waits = 0;
	__atomic_store_n(&forking_id, 0, __ATOMIC_RELAXED);
	if (pthread_create(&thread, NULL, fork_once, NULL) != 0)
		return 0;
	_IO_list_lock();
	while ((id = __atomic_load_n(&forking_id, __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
	/* It may have forked before the list was ours; then it has ended. */
	while ((waits = waits_for_lock(id)) == 0)
		sched_yield();
	/* Takes all locks. */
	mallinfo2();
	_IO_list_unlock();
	pthread_join(thread, NULL);
	return waits == 1;
}

static void *read_lines(void *text)
{
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
		FILE *file = fmemopen(text, TEXT_BYTES, "r");
		char *line = NULL;
		size_t size = 0;
		while (getline(&line, &size, file) > 0) {
			free(line);
			line = NULL;
			size = 0;
		}
		free(line);
		fclose(file);
	}
	return NULL;
}

static void *flush(void *unused)
{
	do
		fflush(NULL);
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED));
	return unused;
}

/* In the child the list is free, also for another thread. */
static void use_streams_in_child(void)
{
	pthread_t thread;
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	expect_anew();
	EXPECT(fflush(NULL) == 0);
	if (EXPECT(pthread_create(&thread, NULL, flush, NULL) == 0))
		pthread_join(thread, NULL);
	fflush(NULL);
	_exit(expect_status());
}

static void fork_beside_streams(void)
{
	static char text[TEXT_BYTES];
	pthread_t reader, flusher;
	memset(text, 'a', sizeof(text));
	for (int i = LINE_BYTES; i < TEXT_BYTES; i += LINE_BYTES)
		text[i] = '\n';
	pthread_create(&reader, NULL, read_lines, text);
	pthread_create(&flusher, NULL, flush, NULL);
	for (int i = 0; i < N_FORKS; i++) {
		pid_t pid = fork();
		if (pid == 0)
			use_streams_in_child();
		EXPECT(process_succeeds(pid));
	}
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	pthread_join(reader, NULL);
	pthread_join(flusher, NULL);
}

int main(void)
{
	int n_waited = 0;
	expect_tarn();
	/* What hangs is killed. */
	alarm(HANGS_S);
	if (_IO_list_lock == NULL)
		expect_skip("this C library does not let its list be locked");
	for (int i = 0; i < N_ROUNDS; i++)
		n_waited += allocate_under_the_list();
	fork_beside_streams();
	if (n_waited == 0)
		dprintf(STDOUT_FILENO, "nobody was seen waiting\n");
	return expect_status();
}
