/*
 * neighbours: free of a large block costs the same whatever lies beside it, and
 * calls nothing. (Beside a long free run it was 0.6 us with 1 GiB, 22 us with
 * 39 GiB.) So do malloc, realloc and aligned blocks there.
 */
#include "steps.h"

#include "promise.h"

/* What may be executed in 1 us, at most. */
enum {
	N_FEW = 20000,
	N_MANY = 320000,
	N_CALLS = 64,
	LIMIT = STEPS_LIMIT(4000)
};

static void **blocks;

/* Instructions of N_CALLS calls of free, the last of N in this order. */
static uint64_t cost_of_free(size_t n)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		if (i < n - N_CALLS) {
			free(blocks[i]);
			continue;
		}
		/* Some give back what several have freed. */
		steps_begin(LIMIT * 4);
		free(blocks[i]);
		steps_end();
		sum += steps.n;
		EXPECT(steps.n_calls == 0);
	}
	return sum / N_CALLS;
}

static void fill(size_t n, size_t bytes)
{
	for (size_t i = 0; i < n; i++)
		if ((blocks[i] = malloc(bytes)) == NULL)
			expect_skip("too few addresses");
}

static void reverse(size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		void *block = blocks[i];
		blocks[i] = blocks[n - 1 - i];
		blocks[n - 1 - i] = block;
	}
}

enum order { UPWARDS, DOWNWARDS, AT_RANDOM, N_ORDERS };
static const char *const order_names[] = {"upwards", "downwards", "at random"};

static uint64_t cost_with(size_t n, size_t bytes, enum order order)
{
	uint64_t random = 1;
	fill(n, bytes);
	if (order == DOWNWARDS)
		reverse(n);
	if (order == AT_RANDOM)
		promise_shuffle(blocks, n, &random);
	return cost_of_free(n);
}

static void free_is_flat(size_t bytes, enum order order)
{
	uint64_t few = cost_with(N_FEW, bytes, order);
	uint64_t many = cost_with(N_MANY, bytes, order);
	if (!(many < LIMIT && many <= few * 3 / 2 + STEPS_LIMIT(500)))
		promise_broken(
			"free(%zu), %s: %llu instructions beside %d blocks, "
			"%llu beside %d\n",
			bytes, order_names[order], (unsigned long long)few,
			N_FEW, (unsigned long long)many, N_MANY);
}

/* Takes what the free run starts with, and gives it back to it. What one call
 * has at hand for the next ones is paid by it, so the sum counts. */
static void malloc_is_flat(size_t bytes)
{
	uint64_t sum = 0;
	fill(N_MANY, bytes);
	for (size_t i = 0; i < N_MANY; i++)
		free(blocks[i]);
	for (size_t i = 0; i < N_CALLS; i++) {
		size_t wanted = 100000 * (i % 40 + 1);
		steps_begin(LIMIT * 4 * N_CALLS);
		blocks[i] = malloc(wanted);
		blocks[i] = realloc(blocks[i], wanted * 2);
		free(blocks[i]);
		steps_end();
		if (!steps_expect("malloc, realloc, free in a long free run",
				  4))
			return;
		sum += steps.n;
	}
	if (!(sum / N_CALLS < LIMIT * 4))
		promise_broken("malloc, realloc, free in a long free run: %llu "
			       "instructions on average\n",
			       (unsigned long long)(sum / N_CALLS));
}

int main(int argc, char **argv)
{
	(void)argc;
	expect_tarn();
	promise_options(argv, "decay:never,cache:1t");
	blocks = (void **)promise_table(sizeof(*blocks) * N_MANY);
	for (enum order order = UPWARDS; order < N_ORDERS; order++)
		free_is_flat(70000, order);
	free_is_flat(300000, AT_RANDOM);
	malloc_is_flat(200000);
	return expect_status();
}
