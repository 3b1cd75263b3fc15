/*
 * thefts: two sums. Atomic, relaxed.
 */
#include "thefts.h"

#include "heap/magazine.h"

void **__real_magazine_robbed_locked(struct magazine *magazine, bool has_passed,
				     uint32_t *n);
void **__wrap_magazine_robbed_locked(struct magazine *magazine, bool has_passed,
				     uint32_t *n);

static uint64_t n_thefts, n_blocks;

void **__wrap_magazine_robbed_locked(struct magazine *magazine, bool has_passed,
				     uint32_t *n)
{
	void **blocks = __real_magazine_robbed_locked(magazine, has_passed, n);
	if (*n > 0)
		fetch_add_relaxed(&n_thefts, 1);
	fetch_add_relaxed(&n_blocks, *n);
	return blocks;
}

uint64_t thefts_count(void)
{
	return load_relaxed(&n_thefts);
}

uint64_t thefts_count_blocks(void)
{
	return load_relaxed(&n_blocks);
}
