/*
 * claims: addresses in the heap that some word in a block pointed to when it
 * was last looked at, though no block was live there: a bit for each 16 bytes.
 *
 * A block that comes to lie at such an address may be held by a word that was
 * not written since, so that no young trace looks at it again (see
 * trace/generations.h). Blocks start and end at multiples of 16, so each has
 * bits of its own.
 */
#ifndef TARN_TRACE_CLAIMS_H
#define TARN_TRACE_CLAIMS_H

#include "base/bits.h"
#include "trace/side.h"

#define CLAIM_SHIFT 4
#define CLAIMS_SLICE_BYTES (SLICE_BYTES >> CLAIM_SHIFT >> 3)

/* Where nothing has ever been mapped no pointer can have led. */
static inline void claims_add(struct side *claims, uintptr_t address)
{
	size_t i = side_region(claims, address);
	if (i != REGIONS_MAX)
		bits_set((uint64_t *)claims->parts[i].at,
			 (address - regions[i].base) >> CLAIM_SHIFT);
}

/* Notes every address of a block. */
void claims_add_block(struct side *claims, uintptr_t block, size_t bytes);

/* True if an address of the block was noted. */
bool claims_meet_block(const struct side *claims, uintptr_t block,
		       size_t bytes);

#endif
