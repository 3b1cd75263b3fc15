/*
 * mappings_few: blocks that grow by the thousand leave no mapping each: there
 * are 4,000 at most at any time, and under 200 when all is freed. (40,000
 * blocks left 40,058, for good; near the kernel's limit each realloc took half
 * a second, and the program's own mmap failed.)
 */
#include "promise.h"

#include <malloc.h>
#include <pthread.h>

enum { N_BLOCKS = 8000, N_GROWTHS = 3, N_AT_ANY_TIME = 4000, N_AFTER = 200 };
enum { LOOK_EVERY = 500 };

/* To copy what was never written must not make it resident. */
#define RESIDENT_MAX GIB

static void **blocks;

struct part {
	size_t first, n, size;
	uint64_t random; /* 0: in order */
};

static int are_few(void)
{
	size_t n = process_mappings();
	size_t bytes = process_resident_bytes();
	if (n <= N_AT_ANY_TIME && bytes < RESIDENT_MAX)
		return 1;
	promise_broken("%zu mappings, resident %zu MiB\n", n,
		       promise_mib(bytes));
	return 0;
}

static void *grow(void *argument)
{
	struct part *part = argument;
	void **mine = blocks + part->first;
	for (size_t k = 0; k < part->n; k++) {
		mine[k] = malloc(part->size);
		*(volatile char *)mine[k] = 1;
	}
	for (size_t growth = 1; growth <= N_GROWTHS; growth++) {
		size_t size = part->size + growth * part->size / 2;
		if (part->random != 0)
			promise_shuffle(mine, part->n, &part->random);
		for (size_t k = 0; k < part->n; k++) {
			void *block = realloc(mine[k], size);
			if (!EXPECT(block != NULL))
				return NULL;
			mine[k] = block;
			if (k % LOOK_EVERY == 0 && !are_few())
				return NULL;
		}
	}
	return NULL;
}

static void mappings_stay_few(size_t n_threads, size_t size, uint64_t random)
{
	struct part parts[4];
	pthread_t threads[4];
	size_t n = N_BLOCKS / n_threads;
	for (size_t i = 0; i < n_threads; i++) {
		parts[i] = (struct part){i * n, n, size, random};
		pthread_create(&threads[i], NULL, grow, &parts[i]);
	}
	for (size_t i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	are_few();
	/* The program's own can still be made. */
	void *own = mmap(NULL, PAGE_BYTES, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(own != MAP_FAILED);
	munmap(own, PAGE_BYTES);
	for (size_t k = 0; k < N_BLOCKS; k += 2)
		free(blocks[k]);
	are_few();
	for (size_t k = 1; k < N_BLOCKS; k += 2)
		free(blocks[k]);
	malloc_trim(0);
	size_t left = process_mappings();
	if (!(left < N_AFTER))
		promise_broken(
			"%zu mappings after %zu-byte blocks in %zu threads\n",
			left, size, n_threads);
}

int main(void)
{
	expect_tarn();
	blocks = promise_table(sizeof(*blocks) * N_BLOCKS);
	mappings_stay_few(1, 1100000, 0);
	mappings_stay_few(1, 1100000, 7);
	mappings_stay_few(2, 2000000, 0);
	mappings_stay_few(4, 5000000, 3);
	return expect_status();
}
