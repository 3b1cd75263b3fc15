/*
 * freed_elsewhere: blocks freed by another thread than their own are not
 * leaked, even if that thread lives on; one is.
 *
 * expect: lost count=1 blocks=1 retained=1
 * flags: -pthread
 */
#include "truth.h"

#define N 10000

static void *blocks[N];
static int ready;

static void fill(void)
{
	for (int i = 0; i < N; i++)
		blocks[i] = new_block(48);
}

static void *body(void *unused)
{
	(void)unused;
	certainly(fill);
	raise_flag(&ready);
	block_for_good();
	return NULL;
}

static void work(void)
{
	for (int i = 0; i < N; i++) {
		if (i != N / 2)
			free(blocks[i]);
		blocks[i] = NULL;
	}
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	certainly(work);
	return 0;
}
