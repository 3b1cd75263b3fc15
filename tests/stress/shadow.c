/*
 * shadow: patterns, claims and the laws of the statistics.
 *
 * The map of claims has one leaf for each GiB of addresses in which a block was
 * ever seen; leaves are mapped on demand and never unmapped. They come from the
 * kernel by syscall(2), because the fault injection test catches the calls to
 * mmap that are made by name.
 */
#include "shadow.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tarn.h"

#define ADDRESS_BITS 47
#define LEAF_BITS 30
#define GRANULE_BITS 4
#define N_LEAVES ((size_t)1 << (ADDRESS_BITS - LEAF_BITS))
#define LEAF_BYTES (((size_t)1 << (LEAF_BITS - GRANULE_BITS)) / 8)
#define LEAF_WORD_BITS (LEAF_BITS - GRANULE_BITS - 6)

/* Up to here every byte of a block is written; above, of one in sixteen. */
#define DENSE_BYTES ((size_t)16 << 10)
/* And above this of one in 128. */
#define HUGE_BYTES ((size_t)1 << 20)
/* Of a sparse block: this much at each end, and so many words between. */
#define END_BYTES ((size_t)2048)
#define SAMPLES 64

_Thread_local struct shadow_context shadow_context = {.program = "shadow"};

/* Atomic: a leaf is published with release by the one who mapped it. */
static uint64_t *leaves[N_LEAVES];

_Noreturn void shadow_fail(const char *format, ...)
{
	const struct shadow_context *at = &shadow_context;
	char line[512];
	int length =
		snprintf(line, sizeof(line), "%s: VIOLATION: ", at->program);
	va_list list;
	va_start(list, format);
	vsnprintf(line + length, sizeof(line) - (size_t)length, format, list);
	va_end(list);
	fprintf(stderr, "%s\n%s: in %s, op %llu of worker %u; seed %#llx\n",
		line, at->program, at->doing ? at->doing : "start",
		(unsigned long long)at->op, at->worker,
		(unsigned long long)at->seed);
	abort();
}

static uint64_t *map_leaf(void)
{
	long got = syscall(SYS_mmap, NULL, LEAF_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
	if (got == -1)
		shadow_fail("no memory for the shadow map: %s",
			    strerror(errno));
	return (uint64_t *)got;
}

static uint64_t *leaf_of(uintptr_t address)
{
	size_t i = address >> LEAF_BITS;
	if (i >= N_LEAVES)
		shadow_fail("address %#zx is no user address", address);
	uint64_t *leaf = __atomic_load_n(&leaves[i], __ATOMIC_ACQUIRE);
	if (leaf != NULL)
		return leaf;
	uint64_t *mapped = map_leaf();
	if (__atomic_compare_exchange_n(&leaves[i], &leaf, mapped, 0,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return mapped;
	syscall(SYS_munmap, mapped, LEAF_BYTES);
	return leaf;
}

/* The word of the map that holds GRANULE's bit. */
static uint64_t *claim_word(uintptr_t granule)
{
	uint64_t *leaf = leaf_of(granule << GRANULE_BITS);
	return leaf + (granule >> 6 & (((size_t)1 << LEAF_WORD_BITS) - 1));
}

/*
 * Sets or clears the bits of SIZE bytes at START, which are rounded up to
 * granules: no two blocks may share one. They must all be the other way before.
 */
static void claim(const unsigned char *start, size_t size, bool on)
{
	uintptr_t first = (uintptr_t)start >> GRANULE_BITS;
	uintptr_t end = ((uintptr_t)start + size - 1) >> GRANULE_BITS;
	if (size == 0)
		return;
	while (first <= end) {
		uintptr_t stop = (first | 63) < end ? (first | 63) : end;
		uint64_t mask = (~UINT64_C(0) << (first & 63)) &
				(~UINT64_C(0) >> (63 - (stop & 63)));
		uint64_t *word = claim_word(first);
		uint64_t before =
			on ? __atomic_fetch_or(word, mask, __ATOMIC_RELAXED)
			   : __atomic_fetch_and(word, ~mask, __ATOMIC_RELAXED);
		if ((before & mask) != (on ? 0 : mask))
			shadow_fail("block %p of %zu bytes %s near %#zx",
				    (const void *)start, size,
				    on ? "overlaps another live block"
				       : "was claimed only in part",
				    first << GRANULE_BITS);
		first = stop + 1;
	}
}

static uint64_t pattern_word(uint64_t tag, size_t offset)
{
	uint64_t x = (tag + offset) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static bool tag_is_sparse(size_t usable, uint64_t tag)
{
	if (usable <= DENSE_BYTES)
		return false;
	return tag % (usable <= HUGE_BYTES ? 16 : 128) != 0;
}

/* Where the pattern goes on after OFFSET in a block of SIZE bytes. */
static size_t next_offset(size_t size, bool is_sparse, size_t offset)
{
	if (!is_sparse || offset + 8 < END_BYTES)
		return offset + 8;
	size_t tail = (size - END_BYTES) & ~(size_t)7;
	size_t step = (size / SAMPLES) & ~(size_t)7;
	if (offset >= tail)
		return offset + 8;
	return offset + step < tail ? offset + step : tail;
}

static size_t word_width(size_t size, size_t offset)
{
	return size - offset < 8 ? size - offset : 8;
}

static void fill(const struct shadow_block *block)
{
	size_t size = block->usable;
	for (size_t at = 0; at < size;
	     at = next_offset(size, block->is_sparse, at)) {
		uint64_t word = pattern_word(block->tag, at);
		memcpy(block->start + at, &word, word_width(size, at));
	}
}

/* The pattern of BLOCK stands at START, as far as LIMIT. */
static void check_pattern(const struct shadow_block *block,
			  const unsigned char *start, size_t limit)
{
	size_t size = block->usable;
	for (size_t at = 0; at < limit;
	     at = next_offset(size, block->is_sparse, at)) {
		uint64_t want = pattern_word(block->tag, at);
		uint64_t have = 0;
		size_t width = word_width(limit < size ? limit : size, at);
		memcpy(&have, start + at, width);
		want &= ~UINT64_C(0) >> (64 - 8 * width);
		if (have != want)
			shadow_fail("block %p of %zu bytes (%zu usable, was "
				    "%p): at %zu is %#llx, not %#llx",
				    (const void *)start, block->size, size,
				    (const void *)block->start, at,
				    (unsigned long long)have,
				    (unsigned long long)want);
	}
}

static void check_place(const struct shadow_block *block)
{
	size_t alignment = block->alignment < 16 ? 16 : block->alignment;
	if ((uintptr_t)block->start % alignment != 0)
		shadow_fail("block %p of %zu bytes is not aligned to %zu",
			    (void *)block->start, block->size, alignment);
	if (block->usable < block->size || block->usable == 0)
		shadow_fail("block %p of %zu bytes has only %zu usable",
			    (void *)block->start, block->size, block->usable);
}

void shadow_adopt(struct shadow_block *block, void *start, size_t size,
		  size_t alignment, uint64_t tag)
{
	*block = (struct shadow_block){
		.start = start,
		.size = size,
		.alignment = alignment,
		.usable = tarn_malloc_usable_size(start),
		.tag = tag,
	};
	block->is_sparse = tag_is_sparse(block->usable, tag);
	check_place(block);
	claim(block->start, block->usable, true);
	fill(block);
}

void shadow_check(const struct shadow_block *block)
{
	size_t usable = tarn_malloc_usable_size(block->start);
	if (usable != block->usable)
		shadow_fail("block %p had %zu usable bytes, now %zu",
			    (void *)block->start, block->usable, usable);
	check_pattern(block, block->start, block->usable);
}

void shadow_retire(const struct shadow_block *block)
{
	shadow_check(block);
	claim(block->start, block->usable, false);
}

void shadow_reclaim(const struct shadow_block *block)
{
	claim(block->start, block->usable, true);
	shadow_check(block);
}

void shadow_moved(struct shadow_block *block, const struct shadow_block *old,
		  void *start, size_t size, uint64_t tag)
{
	size_t kept = old->usable < size ? old->usable : size;
	check_pattern(old, start, kept);
	shadow_adopt(block, start, size, 0, tag);
}

void shadow_check_zero(const unsigned char *start, size_t size, uint64_t tag)
{
	bool is_sparse = tag_is_sparse(size, tag);
	for (size_t at = 0; at < size; at = next_offset(size, is_sparse, at)) {
		uint64_t word = 0;
		memcpy(&word, start + at, word_width(size, at));
		if (word != 0)
			shadow_fail("calloc gave %p of %zu bytes with %#llx at "
				    "%zu",
				    (const void *)start, size,
				    (unsigned long long)word, at);
	}
}

void shadow_prepare(const void *address)
{
	leaf_of((uintptr_t)address);
	leaf_of((uintptr_t)address + ((uintptr_t)1 << LEAF_BITS));
}

/* With all sites noted a byte of each block is not for use. */
static bool has_padding(void)
{
	char text[16] = "";
	tarn_option_get("sites", text, sizeof(text));
	return strcmp(text, "all") == 0;
}

static struct tarn_stats stats_now(void)
{
	struct tarn_stats stats;
	if (tarn_stats_get(&stats, sizeof(stats)) != 0)
		shadow_fail("tarn_stats_get: %s", strerror(errno));
	uint64_t sum = stats.live_bytes + stats.rounding_bytes +
		       stats.free_bytes + stats.magazine_bytes +
		       stats.cached_bytes + stats.purged_bytes +
		       stats.metadata_bytes;
	if (sum != stats.mapped_bytes)
		shadow_fail("statistics: the parts sum to %llu, mapped is %llu",
			    (unsigned long long)sum,
			    (unsigned long long)stats.mapped_bytes);
	return stats;
}

void shadow_check_stats(void)
{
	struct tarn_stats stats = stats_now();
	if (stats.resident_bytes > stats.mapped_bytes)
		shadow_fail("statistics: %llu bytes resident, %llu mapped",
			    (unsigned long long)stats.resident_bytes,
			    (unsigned long long)stats.mapped_bytes);
}

void shadow_check_live(uint64_t blocks, uint64_t usable_bytes)
{
	struct tarn_stats stats = stats_now();
	if (has_padding())
		usable_bytes += blocks;
	if (stats.live_blocks != blocks)
		shadow_fail("statistics: %llu live blocks, really %llu",
			    (unsigned long long)stats.live_blocks,
			    (unsigned long long)blocks);
	if (stats.live_bytes + stats.rounding_bytes != usable_bytes)
		shadow_fail("statistics: live %llu + rounding %llu bytes, "
			    "really %llu",
			    (unsigned long long)stats.live_bytes,
			    (unsigned long long)stats.rounding_bytes,
			    (unsigned long long)usable_bytes);
}
