/*
 * polls: no call of malloc or free does more than a bounded part of what is
 * due: 64 calls of madvise, 400,000 instructions. (One that found many
 * half-used pools took 33 to 121 ms, with up to 4,096 calls.)
 */
#include "calls.h"
#include "steps.h"

#include "promise.h"

enum { MADVISE_MAX = 64, LIMIT = STEPS_LIMIT(1500000), N_WORK = 200 };

/* To count them takes 20 us each on a loaded machine: this many are enough. */
enum { STEPS_MAX = 500000 };
static size_t n_steps;

/* Which of the two is counted: they do not go together. */
static int counts_steps;

static void begin(void)
{
	if (counts_steps)
		steps_begin(LIMIT);
	else
		calls_begin();
}

static int end(const char *what)
{
	if (counts_steps) {
		steps_end();
		n_steps += steps.n;
		return steps_expect(what, 4 * MADVISE_MAX) &&
		       n_steps < STEPS_MAX;
	}
	calls_end();
	if (calls_of_madvise() <= MADVISE_MAX)
		return 1;
	promise_broken("%u calls of madvise in one %s\n", calls_of_madvise(),
		       what);
	return 0;
}

/* Blocks beyond the magazines, so that slow paths are taken. False when there
 * is nothing more to be found. */
static int work(size_t size)
{
	void *blocks[N_WORK];
	for (size_t i = 0; i < N_WORK; i++) {
		begin();
		blocks[i] = malloc(size + i % 5 * 1000);
		if (!end("malloc"))
			return 0;
	}
	for (size_t i = 0; i < N_WORK; i++) {
		begin();
		free(blocks[i]);
		if (!end("free"))
			return 0;
	}
	return 1;
}

/* Fills 256 MiB, and frees one in STRIDE, or with a negative one all others. */
static void make_pools(size_t size, int stride)
{
	size_t n = 256 * MIB / size;
	size_t every = (size_t)abs(stride);
	void **blocks = promise_table(n * sizeof(*blocks));
	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(size);
		*(volatile char *)blocks[i] = 1;
	}
	for (size_t i = 0; i < n; i++)
		if ((i % every == 0) == (stride > 0))
			free(blocks[i]);
	munmap(blocks, n * sizeof(*blocks));
}

static void polls_are_bounded(size_t size, int stride)
{
	enum { N_ROUNDS = 60, N_ROUNDS_OF_STEPS = 4 };
	if (promise_is_parent())
		return;
	if (!counts_steps)
		calls_start();
	make_pools(size, stride);
	int n = counts_steps ? N_ROUNDS_OF_STEPS : N_ROUNDS;
	usleep(1100000);
	for (int i = 0; i < n && work(3000); i++)
		usleep(counts_steps ? 150000 : 30000);
	promise_end();
}

int main(void)
{
	expect_tarn();
	polls_are_bounded(512, -16);
	polls_are_bounded(512, 2);
	polls_are_bounded(2000, -30);
	polls_are_bounded(40000, 2);
	counts_steps = 1;
	polls_are_bounded(512, -16);
	polls_are_bounded(2000, 2);
	return expect_status();
}
