/*
 * short_threads: thousands of threads that live shortly leave nothing behind:
 * neither memory nor mappings grow, and what they leave to others is whole.
 */
#include "expect.h"

#include <pthread.h>
#include <stdint.h>

#include "pattern.h"
#include "process.h"

enum { N_WAVES = 700, N_THREADS = 8, N_BLOCKS = 60, WARM_UP = 100 };

/* What thread i hands to main when it ends. */
static char *left[N_THREADS];
static size_t left_size[N_THREADS];

static void *live_shortly(void *argument)
{
	size_t me = (uintptr_t)argument;
	char *blocks[N_BLOCKS];
	uint64_t seed = me;
	for (int i = 0; i < N_BLOCKS; i++) {
		size_t size = (size_t)16 << pattern_random(&seed) % 12;
		blocks[i] = malloc(size);
		memset(blocks[i], (int)me, size);
	}
	for (int i = 0; i < N_BLOCKS; i++)
		free(blocks[i]);
	left_size[me] = 1 + pattern_random(&seed) % 50000;
	left[me] = malloc(left_size[me]);
	pattern_fill(left[me], left_size[me], me);
	return NULL;
}

static void run_wave(void)
{
	pthread_t threads[N_THREADS];
	for (uintptr_t i = 0; i < N_THREADS; i++)
		EXPECT(pthread_create(&threads[i], NULL, live_shortly,
				      (void *)i) == 0);
	for (size_t i = 0; i < N_THREADS; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
		EXPECT(pattern_holds(left[i], left_size[i], i));
		free(left[i]);
	}
}

int main(void)
{
	expect_tarn();
	for (int i = 0; i < WARM_UP; i++)
		run_wave();
	size_t resident = process_resident_bytes();
	size_t mapped = process_mapped_bytes(), mappings = process_mappings();
	for (int i = WARM_UP; i < N_WAVES; i++)
		run_wave();
	EXPECT(process_resident_bytes() < resident + 8 * MIB);
	/* An arena more may be. */
	EXPECT(process_mapped_bytes() < mapped + 100 * MIB);
	EXPECT(process_mappings() < mappings + 16);
	return expect_status();
}
