/*
 * late_limit: limits that come when the program already runs: RLIMIT_DATA, and
 * RLIMIT_AS below what is mapped. malloc fails with ENOMEM, the rest goes on,
 * and when the limit is lifted all is well.
 */
#include "fill.h"

#include <pthread.h>
#include <sys/resource.h>

#include "pattern.h"
#include "process.h"

enum { N_KEPT = 1000, KEPT = 3000 };

static char *kept[N_KEPT];

static void keep_some(void)
{
	for (size_t i = 0; i < N_KEPT; i++) {
		kept[i] = malloc(KEPT);
		pattern_fill(kept[i], KEPT, i);
	}
}

static void free_kept(void)
{
	for (size_t i = 0; i < N_KEPT; i++) {
		EXPECT(pattern_holds(kept[i], KEPT, i));
		free(kept[i]);
	}
}

static void *use_a_little(void *argument)
{
	for (size_t i = 0; i < 1000; i++)
		free(malloc(i));
	return argument;
}

/* Fills memory with each size, with N_KEPT blocks freed while it is full. */
static void live_within_limit(void)
{
	static const size_t sizes[] = {64, 1000, 30000, 200000, 5 << 20};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		keep_some();
		struct filling filling = fill_all(sizes[i]);
		free_kept();
		for (int j = 0; j < 100; j++) {
			char *block = malloc(KEPT);
			EXPECT(block != NULL);
			free(block);
		}
		fill_free(&filling, filling.n_blocks);
	}
}

static void limit_comes_and_goes(__rlimit_resource_t resource, rlim_t bytes)
{
	struct rlimit before, limit;
	getrlimit(resource, &before);
	limit = before;
	limit.rlim_cur = bytes;
	EXPECT(setrlimit(resource, &limit) == 0);
	live_within_limit();
	pthread_t thread;
	if (pthread_create(&thread, NULL, use_a_little, NULL) == 0)
		pthread_join(thread, NULL);
	EXPECT(setrlimit(resource, &before) == 0);
	void *block = malloc(200 * MIB);
	EXPECT(block != NULL);
	free(block);
	EXPECT(pthread_create(&thread, NULL, use_a_little, NULL) == 0);
	pthread_join(thread, NULL);
}

/* Not a byte more than there is: all is served from what is held. */
static void no_more_can_be_mapped(void)
{
	struct rlimit before, limit;
	struct filling filling = {NULL, 0, 0};
	keep_some();
	getrlimit(RLIMIT_AS, &before);
	limit = before;
	limit.rlim_cur = process_mapped_bytes() / 2;
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
	while (fill_one(&filling, KEPT))
		continue;
	free_kept();
	for (int i = 0; i < N_KEPT; i++)
		if (!EXPECT(fill_one(&filling, KEPT)))
			break;
	fill_free(&filling, filling.n_blocks);
	EXPECT(setrlimit(RLIMIT_AS, &before) == 0);
}

int main(void)
{
	expect_tarn();
	no_more_can_be_mapped();
	limit_comes_and_goes(RLIMIT_DATA, 64 * MIB);
	limit_comes_and_goes(RLIMIT_AS, process_mapped_bytes() + 64 * MIB);
	limit_comes_and_goes(RLIMIT_DATA, 48 * MIB);
	return expect_status();
}
