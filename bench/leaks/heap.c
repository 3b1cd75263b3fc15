/*
 * heap: a heap of N blocks, a hundredth of them in leaked cycles of three, and
 * how long a leak check of it takes: by tarn or LeakSanitizer, whichever is
 * there, or by valgrind.
 *
 * usage: heap BLOCKS [mixed]
 *
 * Blocks are of 56 bytes, or of 16 to 2,000 by doubling; they point to each
 * other at random, twice each.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if HAVE_MEMCHECK_H
#include <valgrind/memcheck.h>
#endif

#define BLOCK_BYTES 56

struct block {
	struct block *next, *other;
};

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

struct block *root; /* not static: what only it holds is in use */
static uint64_t state = 88172645463325252u;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t size_of_block(int is_mixed)
{
	size_t most = (size_t)16 << random_next() % 8;
	return is_mixed ? 16 + random_next() % most : BLOCK_BYTES;
}

static struct block **make(size_t n, int is_mixed)
{
	struct block **all = malloc(n * sizeof(struct block *));
	for (size_t i = 0; all != NULL && i < n; i++)
		if ((all[i] = calloc(1, size_of_block(is_mixed))) == NULL)
			return NULL;
	for (size_t i = n; all != NULL && i-- > 1;) {
		size_t j = random_next() % (i + 1);
		struct block *other = all[i];
		all[i] = all[j];
		all[j] = other;
	}
	return all;
}

/* In a function of its own, which leaves nothing in its caller's frame. */
__attribute__((noinline)) static void build(size_t n, int is_mixed)
{
	struct block **all = make(n, is_mixed);
	size_t n_kept = n - n / 100;
	if (all == NULL) {
		fputs("heap: out of memory\n", stderr);
		exit(1);
	}
	for (size_t i = 0; i < n_kept; i++) {
		all[i]->next = i + 1 < n_kept ? all[i + 1] : NULL;
		all[i]->other = all[random_next() % n_kept];
	}
	for (size_t i = n_kept; i + 2 < n; i += 3) {
		all[i]->next = all[i + 1];
		all[i + 1]->next = all[i + 2];
		all[i + 2]->next = all[i];
	}
	root = all[0];
	memset(all, 0, n * sizeof(*all));
	__asm__ volatile("" : : "r"(all) : "memory");
	free(all);
}

__attribute__((noinline)) static void forget(void)
{
	char frame[65536];
	memset(frame, 0, sizeof(frame));
	__asm__ volatile("" : : "r"(frame) : "memory");
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	build(strtoull(argv[1], NULL, 0), argc > 2);
	forget();
	double started = now();
	const char *tool = "none";
	if (__lsan_do_recoverable_leak_check != NULL) {
		tool = "lsan_interface";
		__lsan_do_recoverable_leak_check();
	}
#if HAVE_MEMCHECK_H
	else if (RUNNING_ON_VALGRIND) {
		tool = "valgrind";
		VALGRIND_DO_LEAK_CHECK;
	}
#endif
	printf("%s %.3f\n", tool, now() - started);
	fflush(stdout);
	_exit(0);
}
