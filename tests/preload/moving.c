/*
 * moving: large blocks that grow leave holes, which others may have at once.
 *
 * Under RLIMIT_AS, where holes are mapped again as soon as they are there, some
 * threads make large blocks grow past each other while others allocate and look
 * at what they got.
 */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "process.h"

enum { N_MOVERS = 2, N_OTHERS = 2, N_MOVES = 60000, N_BLOCKS = 400 };

static unsigned n_moving = N_MOVERS;

static void *move(void *unused)
{
	for (int i = 0; i < N_MOVES; i++) {
		char *block = malloc(100000), *next = malloc(100000);
		if (block != NULL)
			memset(block, i, 8);
		char *moved = realloc(block, 300000);
		if (moved != NULL)
			block = moved;
		if (block != NULL)
			EXPECT(block[7] == (char)i);
		free(next);
		free(block);
	}
	__atomic_fetch_sub(&n_moving, 1, __ATOMIC_RELEASE);
	return unused;
}

/* Takes what there is, in blocks of half a slice: every slice is a new one. */
static void *fill_and_drop(void *unused)
{
	static _Thread_local void *blocks[N_BLOCKS];
	while (__atomic_load_n(&n_moving, __ATOMIC_ACQUIRE) > 0) {
		for (int i = 0; i < N_BLOCKS; i++) {
			blocks[i] = malloc(32000);
			if (blocks[i] != NULL)
				EXPECT(malloc_usable_size(blocks[i]) >= 32000);
		}
		for (int i = 0; i < N_BLOCKS; i++)
			free(blocks[i]);
	}
	return unused;
}

int main(void)
{
	pthread_t threads[N_MOVERS + N_OTHERS];
	expect_tarn();
	size_t limit = process_mapped_bytes() + 64 * MIB;
	setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit});
	for (int i = 0; i < N_MOVERS + N_OTHERS; i++)
		if (!EXPECT(pthread_create(&threads[i], NULL,
					   i < N_MOVERS ? move : fill_and_drop,
					   NULL) == 0))
			return expect_status();
	for (int i = 0; i < N_MOVERS + N_OTHERS; i++)
		pthread_join(threads[i], NULL);
	return expect_status();
}
