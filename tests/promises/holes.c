/*
 * holes: a large block is found at a cost that does not grow with the number of
 * free runs too short for it: logarithmic at worst. (A search from hole to hole
 * took 7 ms a call with 128,000 of them.)
 */
#include "steps.h"

#include "promise.h"

enum { N_FEW = 1000, N_MANY = 128000, N_CALLS = 12 };

/* Below 5 us; and what is found among many costs about as much as among few, of
 * which most may be at hand: so one search of the arena more (5,600
 * instructions as gcc makes it, 7,200 as clang does). */
enum { LIMIT = STEPS_LIMIT(12000), SLACK = STEPS_LIMIT(8000) };

struct kind {
	const char *name;
	size_t hole_bytes;   /* of each block; every second one is freed */
	size_t wanted_bytes; /* longer than the holes */
	size_t align;
};

static const struct kind kinds[] = {
	{"190000 among holes of 130000", 130000, 190000, 0},
	{"700000 among holes of 600000", 600000, 700000, 0},
	{"aligned to 1 MiB among holes of 130000", 130000, 120000, MIB},
};
enum { N_KINDS = sizeof(kinds) / sizeof(*kinds) };

static void **blocks;

static void *take(const struct kind *kind)
{
	return kind->align == 0
		       ? malloc(kind->wanted_bytes)
		       : aligned_alloc(kind->align, kind->wanted_bytes);
}

/* The median of the calls: some of them take memory from the kernel. */
static uint64_t middle(uint64_t *costs)
{
	for (int i = 1; i < N_CALLS; i++)
		for (int k = i; k > 0 && costs[k] < costs[k - 1]; k--) {
			uint64_t cost = costs[k];
			costs[k] = costs[k - 1];
			costs[k - 1] = cost;
		}
	return costs[N_CALLS / 2];
}

/* What a block of KIND costs beyond N_HOLES; is freed to be found once more. */
static uint64_t cost_of(const struct kind *kind, size_t n_holes)
{
	void *taken[N_CALLS];
	uint64_t costs[N_CALLS];
	for (size_t i = 0; i < n_holes * 2; i++)
		if ((blocks[i] = malloc(kind->hole_bytes)) == NULL)
			expect_skip("too few addresses");
	for (size_t i = 0; i < n_holes * 2; i += 2)
		free(blocks[i]);
	for (int i = 0; i < N_CALLS; i++) {
		steps_begin(LIMIT);
		taken[i] = take(kind);
		steps_end();
		costs[i] = steps.n;
		EXPECT(taken[i] != NULL);
	}
	for (int i = 0; i < N_CALLS; i++)
		free(taken[i]);
	for (size_t i = 1; i < n_holes * 2; i += 2)
		free(blocks[i]);
	return middle(costs);
}

static void costs_the_same(const struct kind *kind)
{
	uint64_t few = cost_of(kind, N_FEW);
	uint64_t many = cost_of(kind, N_MANY / (kind->hole_bytes / 130000));
	if (!(many < LIMIT && many <= few * 3 / 2 + SLACK))
		promise_broken(
			"%s: %llu instructions with few, %llu%s with many\n",
			kind->name, (unsigned long long)few,
			(unsigned long long)many,
			many < LIMIT ? "" : " or more");
}

int main(int argc, char **argv)
{
	(void)argc;
	expect_tarn();
	promise_options(argv, "decay:never,cache:1t");
	blocks = (void **)promise_table(sizeof(*blocks) * N_MANY * 2);
	for (int i = 0; i < N_KINDS; i++)
		costs_the_same(&kinds[i]);
	return expect_status();
}
