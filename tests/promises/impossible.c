/*
 * impossible: a request that nothing could serve is refused at once, and costs
 * the heap nothing: no page is given back for it. (One took 1.3 s, and half of
 * the heap's pages.)
 */
#include "steps.h"

#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>

#include "promise.h"

/* 20 us; and where a region has no room, four calls that choose another. */
enum {
	LIMIT = STEPS_LIMIT(50000),
	N_MMAP_MAX = 3,
	N_CALLS_MAX = N_MMAP_MAX + 4,
	N_BLOCKS = 4 << 20,
	STRIDE = 128
};

static void **blocks;
static void *kept;

/* A quarter of a GiB of which most is free, and no slice wholly. */
static void make_heap(void)
{
	for (size_t i = 0; i < N_BLOCKS; i++) {
		blocks[i] = malloc(64);
		*(char *)blocks[i] = 1;
	}
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (i % STRIDE != 0)
			free(blocks[i]);
	/* Whole slices too, with pages behind them. */
	void *large = malloc(32 * MIB);
	promise_touch(large, 32 * MIB);
	free(large);
	kept = malloc(100000);
}

static void *by_malloc(size_t n)
{
	return malloc(n);
}

static void *by_calloc(size_t n)
{
	return calloc(n / 16, 16);
}

static void *by_realloc(size_t n)
{
	return realloc(kept, n);
}

static void *by_realloc_of_small(size_t n)
{
	return realloc(blocks[0], n);
}

static void *by_aligned_alloc(size_t n)
{
	return aligned_alloc(4096, n & ~(size_t)4095);
}

static void *by_aligned_to_much(size_t n)
{
	/* Not seen by a compiler that knows what it may be. */
	static volatile size_t align = (size_t)1 << 46;
	return aligned_alloc(align, n & ~(size_t)4095);
}

static void *by_new(size_t n)
{
	static void *(*nothrow_new)(size_t, const void *);
	if (nothrow_new == NULL)
		*(void **)&nothrow_new =
			dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
	return nothrow_new(n, &nothrow_new);
}

static const struct way {
	const char *name;
	void *(*take)(size_t n);
} ways[] = {
	{"malloc", by_malloc},
	{"calloc", by_calloc},
	{"realloc", by_realloc},
	{"realloc of a small block", by_realloc_of_small},
	{"aligned_alloc", by_aligned_alloc},
	{"aligned_alloc, to 64 TiB", by_aligned_to_much},
	{"operator new", by_new},
};
enum { N_WAYS = sizeof(ways) / sizeof(*ways) };

static void is_refused(const struct way *way, size_t n_bytes)
{
	size_t before = process_resident_bytes();
	for (int i = 0; i < 3; i++) {
		errno = 0;
		steps_begin(LIMIT);
		void *block = way->take(n_bytes);
		steps_end();
		EXPECT(block == NULL);
		EXPECT(errno == ENOMEM);
		if (!steps_expect(way->name, N_CALLS_MAX))
			break;
		EXPECT(steps.calls[SYS_mmap] <= N_MMAP_MAX);
		unsigned n = steps.calls[SYS_madvise] + steps.calls[SYS_munmap];
		if (n > 0) {
			promise_broken("%s(%#zx): %u calls that give back\n",
				       way->name, n_bytes, n);
			break;
		}
	}
	size_t after = process_resident_bytes();
	if (!(after + MIB > before && after < before + MIB))
		promise_broken("%s(%#zx): resident %zu, then %zu MiB\n",
			       way->name, n_bytes, promise_mib(before),
			       promise_mib(after));
}

/* Each way once with one size, and one way with each size. */
static void are_refused(const size_t *sizes, size_t n_sizes)
{
	for (size_t i = 0; i < N_WAYS; i++)
		is_refused(&ways[i], sizes[i % n_sizes]);
	for (size_t i = 0; i < n_sizes; i++)
		is_refused(&ways[0], sizes[i]);
}

int main(int argc, char **argv)
{
	static const size_t beyond_addresses[] = {
		(size_t)0x400000000000, (size_t)0x7fffffffffff,
		(size_t)1 << 47,	(size_t)1 << 52,
		PTRDIFF_MAX - 100000,	(size_t)0x600000000000,
	};
	static const size_t beyond_limit[] = {64 * GIB, 1024 * GIB, 17 * GIB};
	(void)argc;
	expect_tarn();
	/* What is due anyway is not what the request costs. */
	promise_options(argv, "decay:never,cache:1t");
	blocks = (void **)promise_table(sizeof(*blocks) * N_BLOCKS);
	make_heap();
	are_refused(beyond_addresses, 6);
	struct rlimit limit = {16 * GIB, RLIM_INFINITY};
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
	are_refused(beyond_limit, 3);
	/* What can be had still is. */
	EXPECT((kept = realloc(kept, 2 * GIB)) != NULL);
	free(kept);
	return expect_status();
}
