/*
 * quick: a few loads that tell designs of malloc apart, each some tenths of a
 * second.
 *
 * 	quick LOAD     runs one and prints nanoseconds an operation
 * 	quick          names the loads
 *
 * It calls the malloc it finds: bench/quick.sh runs it with several preloaded,
 * in turns. Contents are checked, so that nothing can be optimised away.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t seed = 88172645463325252u;

static uint64_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Writes the ends of a block, as a user would, and gives it a name to check. */
static char *take(size_t n)
{
	char *block = malloc(n);
	if (block == NULL)
		abort();
	block[0] = (char)n;
	block[n - 1] = (char)n;
	return block;
}

static void give(char *block, size_t n)
{
	if (block[n - 1] != (char)n)
		abort();
	free(block);
}

/* Typical sizes: mostly small, a few of some KiB. */
static size_t mixed_size(void)
{
	uint64_t r = random_next();
	unsigned shift = (unsigned)(r >> 32) % 8;
	return 8 + (r & 0xff) % (16u << shift);
}

static size_t pairs(void)
{
	size_t n = 20000000;
	for (size_t i = 0; i < n; i++)
		give(take(64), 64);
	return n;
}

static size_t mixed(void)
{
	static char *blocks[10000];
	static size_t sizes[10000];
	size_t n = 6000000;
	for (size_t i = 0; i < n; i++) {
		size_t k = random_next() % LENGTH(blocks);
		if (blocks[k] != NULL)
			give(blocks[k], sizes[k]);
		sizes[k] = mixed_size();
		blocks[k] = take(sizes[k]);
	}
	return n;
}

/* Bursts of N blocks of SIZE, freed first in, first out. */
static size_t burst(size_t size, size_t n, size_t rounds)
{
	char **blocks = calloc(n, sizeof(*blocks));
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < n; i++)
			blocks[i] = take(size);
		for (size_t i = 0; i < n; i++)
			give(blocks[i], size);
	}
	free(blocks);
	return n * rounds;
}

static size_t burst_64(void)
{
	return burst(64, 2000, 5000);
}

static size_t burst_2k(void)
{
	return burst(2048, 1000, 3000);
}

static size_t burst_40k(void)
{
	return burst(40000, 200, 5000);
}

static size_t burst_3m(void)
{
	return burst(3000000, 20, 10000);
}

/*
 * 256 MiB of 64-byte blocks, replaced in random order, then freed in another.
 */
static char **cold_blocks;
#define COLD_BLOCKS ((size_t)4 << 20)

static void cold_fill(void)
{
	cold_blocks = malloc(COLD_BLOCKS * sizeof(*cold_blocks));
	for (size_t i = 0; i < COLD_BLOCKS; i++)
		cold_blocks[i] = take(64);
	for (size_t i = COLD_BLOCKS - 1; i > 0; i--) {
		size_t k = random_next() % (i + 1);
		char *other = cold_blocks[k];
		cold_blocks[k] = cold_blocks[i];
		cold_blocks[i] = other;
	}
}

static size_t cold_churn(void)
{
	size_t n = 10000000;
	for (size_t i = 0; i < n; i++) {
		char **slot = &cold_blocks[i % COLD_BLOCKS];
		free(*slot);
		*slot = malloc(64);
	}
	return n;
}

static size_t cold_free(void)
{
	for (size_t i = 0; i < COLD_BLOCKS; i++)
		free(cold_blocks[i]);
	return COLD_BLOCKS;
}

/* One thread allocates, another frees. */
#define RING 4096
static char *ring[RING];
#define HANDED 8000000

static void *consume(void *unused)
{
	for (size_t i = 0; i < HANDED; i++) {
		char **slot = &ring[i % RING], *block;
		while ((block = __atomic_exchange_n(slot, NULL,
						    __ATOMIC_ACQUIRE)) == NULL)
			;
		give(block, 64);
	}
	return unused;
}

static size_t hand_over(void)
{
	pthread_t consumer;
	pthread_create(&consumer, NULL, consume, NULL);
	for (size_t i = 0; i < HANDED; i++) {
		char **slot = &ring[i % RING], *block = take(64);
		while (__atomic_load_n(slot, __ATOMIC_RELAXED) != NULL)
			;
		__atomic_store_n(slot, block, __ATOMIC_RELEASE);
	}
	pthread_join(consumer, NULL);
	return HANDED;
}

/* Threads that are born, work on blocks of those before them, and die. */
static void *live_shortly(void *blocks_of_others)
{
	char **blocks = blocks_of_others;
	for (size_t i = 0; i < 2000; i++) {
		size_t k = i % 500;
		if (blocks[k] != NULL)
			give(blocks[k], 100);
		blocks[k] = take(100);
	}
	return NULL;
}

static size_t short_threads(void)
{
	static char *blocks[8][500];
	size_t rounds = 500;
	for (size_t r = 0; r < rounds; r++) {
		pthread_t threads[8];
		for (size_t t = 0; t < LENGTH(threads); t++)
			pthread_create(&threads[t], NULL, live_shortly,
				       blocks[(t + r) % 8]);
		for (size_t t = 0; t < LENGTH(threads); t++)
			pthread_join(threads[t], NULL);
	}
	return rounds * LENGTH(blocks) * 2000;
}

static size_t growing(void)
{
	size_t n = 0;
	for (int r = 0; r < 200; r++) {
		char *block = NULL;
		for (size_t size = 16; size < 4000000; size += size / 4) {
			block = realloc(block, size);
			block[size - 1] = 1;
			n++;
		}
		free(block);
	}
	return n;
}

struct load {
	const char *name;
	void (*prepare)(void);
	size_t (*run)(void);
};

static const struct load loads[] = {
	{"pairs", NULL, pairs},
	{"mixed", NULL, mixed},
	{"burst_64", NULL, burst_64},
	{"burst_2k", NULL, burst_2k},
	{"burst_40k", NULL, burst_40k},
	{"burst_3m", NULL, burst_3m},
	{"cold_churn", cold_fill, cold_churn},
	{"cold_free", cold_fill, cold_free},
	{"hand_over", NULL, hand_over},
	{"short_threads", NULL, short_threads},
	{"growing", NULL, growing},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < LENGTH(loads); i++) {
		if (argc < 2)
			puts(loads[i].name);
		else if (strcmp(argv[1], loads[i].name) == 0) {
			if (loads[i].prepare != NULL)
				loads[i].prepare();
			double start = now_ns();
			size_t n = loads[i].run();
			printf("%.2f\n", (now_ns() - start) / (double)n);
			return 0;
		}
	}
	if (argc < 2)
		return 0;
	fprintf(stderr, "quick: no load is called \"%s\"\n", argv[1]);
	return 2;
}
