/*
 * claims: ranges of bits.
 */
#include "trace/claims.h"

/* The bits of a block, by words. */
struct range {
	uint64_t *words;
	size_t first;
	size_t last;
};

static bool find_range(const struct side *claims, uintptr_t block, size_t bytes,
		       struct range *range)
{
	size_t i = side_region(claims, block);
	if (i == REGIONS_MAX)
		return false;
	uintptr_t offset = block - regions[i].base;
	range->words = (uint64_t *)claims->parts[i].at;
	range->first = offset >> CLAIM_SHIFT;
	range->last = (offset + bytes - 1) >> CLAIM_SHIFT;
	return true;
}

static uint64_t mask_in(const struct range *range, size_t w)
{
	return bits_mask(w == range->first / 64 ? range->first % 64 : 0,
			 w == range->last / 64 ? range->last % 64 : 63);
}

void claims_add_block(struct side *claims, uintptr_t block, size_t bytes)
{
	struct range range;
	if (!find_range(claims, block, bytes, &range))
		return;
	for (size_t w = range.first / 64; w <= range.last / 64; w++)
		range.words[w] |= mask_in(&range, w);
}

bool claims_meet_block(const struct side *claims, uintptr_t block, size_t bytes)
{
	struct range range;
	if (!find_range(claims, block, bytes, &range))
		return false;
	for (size_t w = range.first / 64; w <= range.last / 64; w++)
		if ((range.words[w] & mask_in(&range, w)) != 0)
			return true;
	return false;
}
