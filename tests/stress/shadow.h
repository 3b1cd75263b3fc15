/*
 * shadow: what a test knows of the blocks that tarn gave it.
 *
 * Each live block is filled, to its last usable byte, with a pattern made from
 * its tag, and its bytes are claimed in a map of all addresses, sixteen to a
 * bit. So two blocks that overlap are found when the second one is given out,
 * and a block that somebody else wrote to when it is next looked at.
 *
 * A block belongs to one thread at a time; the map is shared, and its
 * atomics are relaxed so that it orders nothing between threads that tarn does
 * not order itself: ThreadSanitizer sees what tarn alone provides.
 */
#ifndef TARN_TESTS_SHADOW_H
#define TARN_TESTS_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shadow_block {
	unsigned char *start;
	/* As asked for. */
	size_t size;
	/* What was asked for; 0 if the function takes no alignment. */
	size_t alignment;
	/* As tarn said when it gave the block. */
	size_t usable;
	uint64_t tag;
	/*
	 * Only samples of a large block are written, so that a test may have
	 * many of them without touching all their pages.
	 */
	bool is_sparse;
};

/* What a violation is reported with. */
struct shadow_context {
	const char *program;
	uint64_t seed;
	uint64_t op;
	unsigned worker;
	/* The operation under way. */
	const char *doing;
};

extern _Thread_local struct shadow_context shadow_context;

/* Says on stderr what is wrong, with the context, and aborts. */
_Noreturn void shadow_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Takes note of a new block at START: checks its alignment and usable size,
 * claims its bytes and writes the pattern of TAG.
 */
void shadow_adopt(struct shadow_block *block, void *start, size_t size,
		  size_t alignment, uint64_t tag);

/* The block is as it was left: same usable size, same contents. */
void shadow_check(const struct shadow_block *block);

/* Checks BLOCK and gives up its claim, before it is freed or reallocated. */
void shadow_retire(const struct shadow_block *block);

/* Takes back what shadow_retire gave up, after a realloc that failed. */
void shadow_reclaim(const struct shadow_block *block);

/*
 * After realloc, OLD (retired) became START of SIZE bytes: checks the contents
 * up to the smaller size, then adopts the new block as *BLOCK under TAG.
 */
void shadow_moved(struct shadow_block *block, const struct shadow_block *old,
		  void *start, size_t size, uint64_t tag);

/* The first SIZE bytes at START are zero; sampled as a sparse block is. */
void shadow_check_zero(const unsigned char *start, size_t size, uint64_t tag);

/*
 * Maps what is needed to note blocks in the GiB of ADDRESS and in the next, so
 * that none is needed later, when memory is limited.
 */
void shadow_prepare(const void *address);

/* The sum that tarn_stats_get promises adds up. */
void shadow_check_stats(void);

/* The same, and tarn's count of live blocks and bytes is exactly this. */
void shadow_check_live(uint64_t blocks, uint64_t usable_bytes);

#endif
