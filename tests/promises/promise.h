/*
 * promise: what the tests of tarn's promises share: random numbers, options,
 * and how many bytes of pages blocks lie in. Nothing here allocates.
 */
#ifndef TARN_TESTS_PROMISE_H
#define TARN_TESTS_PROMISE_H

#include "../preload/expect.h"
#include "../preload/process.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>

#define PAGE_BYTES ((size_t)4096)

/* Counts a failure, and says in a line what is wrong. */
__attribute__((format(printf, 1, 2))) static inline void
promise_broken(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (__atomic_fetch_add(&expect_failures, 1, __ATOMIC_RELAXED) <
	    EXPECT_SHOWN)
		vdprintf(STDOUT_FILENO, format, arguments);
	va_end(arguments);
}

/*
 * False in a child, which does the work and ends with promise_end(); true in
 * the parent, when the child has ended, and its failures are counted. So each
 * part of a test begins with a heap of its own.
 */
static inline int promise_is_parent(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		expect_anew();
		return 0;
	}
	int status = 0;
	EXPECT(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status))
		promise_broken("a child died of signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXPECT_SKIPPED)
		_exit(EXPECT_SKIPPED);
	else if (WEXITSTATUS(status) != 0)
		__atomic_fetch_add(&expect_failures, 1, __ATOMIC_RELAXED);
	return 1;
}

static inline void promise_end(void)
{
	_exit(__atomic_load_n(&expect_failures, __ATOMIC_RELAXED) > 0);
}

/* The same for every run: splitmix64. */
static inline uint64_t promise_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Memory of the test's own, for tables: it is not malloc's. */
static inline void *promise_table(size_t bytes)
{
	void *table = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (table == MAP_FAILED)
		expect_skip("no memory for a table");
	return table;
}

/* Has the program run with these options: starts it again if it does not. */
static inline void promise_options(char **argv, const char *options)
{
	const char *now = getenv("TARN_CONF");
	if (now != NULL && strcmp(now, options) == 0)
		return;
	setenv("TARN_CONF", options, 1);
	execv("/proc/self/exe", argv);
	EXPECT(!"started again");
	_exit(1);
}

/* Writes a byte of each page of BLOCK. */
static inline void promise_touch(void *block, size_t bytes)
{
	volatile char *at = (volatile char *)block;
	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		at[i] = 1;
	at[bytes - 1] = 1;
}

static inline void promise_shuffle(void **blocks, size_t n, uint64_t *random)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = promise_random(random) % i;
		void *block = blocks[i - 1];
		blocks[i - 1] = blocks[k];
		blocks[k] = block;
	}
}

static inline size_t promise_mib(size_t bytes)
{
	return bytes >> 20;
}

#endif
