/*
 * check: every law of the heap, walked under all locks.
 *
 * Per pool: carved == live + free + remote + in magazines, each slot in one
 * state only. To prove it each block in a magazine gets a bit in a shadow
 * bitmap; a bit that is set twice, or is free as well, is a block handed out
 * twice. Only magazines at rest are walked: the calling thread's and parked
 * heaps'.
 */
#include "heap/check.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/message.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/heap_pools.h"
#include "heap/large.h"
#include "heap/late.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "os/memory.h"

struct check {
	size_t n_looked_at;
	/* What was found of all heaps, to be compared with what they count. */
	struct class_counts classes[N_CLASSES];
	struct large_counts large;
	size_t n_cached_slices;
};

static bool heap_is_at_rest(const struct heap *heap)
{
	return heap->is_parked || heap == heap_mine;
}

static bool heap_is_known(const struct heap *heap)
{
	for (const struct heap *h = registry_first(); h != NULL; h = h->next)
		if (h == heap)
			return true;
	return false;
}

static void check_pool_slices(const struct pool *pool,
			      const struct region *region, size_t slice,
			      size_t n_slices)
{
	uint32_t entry = entry_make(heap_id(pool->owner), pool->class);
	bool good = n_slices == pool->n_slices &&
		    pool->base == slice_address(region, slice);
	for (size_t i = 0; good && i < n_slices; i++)
		good = region_entry(region, slice + i) == entry &&
		       region_descriptor(region, slice + i) == pool;
	if (!good)
		message_abort("broken law: page map of the pool at %p",
			      (void *)pool->base);
}

static void check_large(struct check *check, const struct region *region,
			size_t slice, size_t n_slices)
{
	uintptr_t descriptor = (uintptr_t)region_descriptor(region, slice);
	if (!large_is(descriptor) || large_slices(descriptor) != n_slices)
		message_abort("broken law: large block at %p",
			      (void *)slice_address(region, slice));
	large_count(&check->large, descriptor, 1);
	check->n_looked_at++;
}

static void check_run(void *context, struct region *region, size_t slice,
		      size_t n_slices)
{
	struct check *check = context;
	uint32_t entry = region_entry(region, slice);
	if (entry_code(entry) == CODE_CACHED)
		check->n_cached_slices += n_slices;
	if (entry == CODE_LARGE)
		check_large(check, region, slice, n_slices);
	if (!entry_is_pool(entry))
		return; /* or on its way from one to the other */
	struct pool *pool = region_descriptor(region, slice);
	if (!heap_is_known(pool->owner) || pool->class >= N_CLASSES)
		message_abort("broken law: pool at %p has no owner",
			      (void *)slice_address(region, slice));
	check_pool_slices(pool, region, slice, n_slices);
	pool_check(pool);
	struct class_counts *counts = &check->classes[pool->class];
	counts->n_pools++;
	counts->n_in_use += pool->n_carved - pool->n_free;
	counts->purged_bytes += pool_purged_bytes(pool);
	check->n_looked_at += pool->n_carved;
}

/* What heaps count, in steps, is what there is. Large blocks are counted after
 * they are made, so only while no other thread is at it. */
static void check_counts(struct check *check)
{
	struct large_counts large = {0};
	size_t n_cached_slices = 0;
	FOR_EACH_CLASS (class) {
		struct class_counts sum = {0}, found = check->classes[class];
		struct heap *heap = registry_first();
		for (; heap != NULL; heap = heap->next) {
			sum.n_pools += heap->counts[class].n_pools;
			sum.n_in_use += heap->counts[class].n_in_use;
			sum.purged_bytes += heap->counts[class].purged_bytes;
		}
		if (sum.n_pools != found.n_pools ||
		    sum.n_in_use != found.n_in_use ||
		    sum.purged_bytes != found.purged_bytes)
			message_abort("broken law: class %u is counted wrong",
				      class);
	}
	struct heap *heap = registry_first();
	for (; heap != NULL; heap = heap->next) {
		n_cached_slices += runs_count_slices(&heap->runs);
		large.n_blocks += heap->large.n_blocks;
		large.requested_bytes += heap->large.requested_bytes;
	}
	bool is_alone = PROCESS_IS_SINGLE_THREADED;
	if (n_cached_slices != check->n_cached_slices ||
	    (is_alone &&
	     (large.n_blocks != check->large.n_blocks ||
	      large.requested_bytes != check->large.requested_bytes)))
		message_abort("broken law: large blocks or runs at hand are "
			      "counted wrong");
}

/*
 * A block in a magazine is in use for its pool: neither free nor remote, and in
 * no other magazine. The remote bitmap serves as the shadow: a bit is set for
 * each block and all are cleared again; a bit that is set already, by a freer
 * or by us, is the proof of a block in two places. Freers that run meanwhile
 * see and keep their own bits, and we clear only ours.
 */
static void mark_block(const struct heap *heap, uint32_t class, void *block,
		       bool mark)
{
	uintptr_t address = (uintptr_t)block;
	struct region *region = region_of(address);
	size_t slice = region_slice(region, address);
	struct pool *pool = region_descriptor(region, slice);
	if (region_entry(region, slice) != entry_make(heap_id(heap), class))
		message_abort("broken law: block %p is in a magazine that is "
			      "not its pool's",
			      block);
	uint32_t slot = pool_slot(pool, address);
	uint64_t *word = &pool_remote_bits(pool)[slot / 64];
	uint64_t bit = UINT64_C(1) << (slot % 64);
	if (!mark)
		fetch_and_relaxed(word, ~bit);
	else if (pool_examine(pool, address) != POOL_PUT ||
		 (fetch_or_seq_cst(word, bit) & bit) != 0)
		message_abort("broken law: block %p is free and in a magazine, "
			      "or in two",
			      block);
}

static void check_magazines(const struct heap *heap, bool mark)
{
	FOR_EACH_CLASS (class) {
		uint32_t n;
		void **blocks =
			magazine_free_blocks(&heap->magazines[class], &n);
		for (uint32_t i = 0; i < n; i++)
			mark_block(heap, class, blocks[i], mark);
	}
}

size_t heap_check(void)
{
	struct check check = {0};
	registry_lock_all();
	arena_check_locked();
	arena_visit_locked(check_run, &check);
	for (struct heap *heap = registry_first(); heap != NULL;
	     heap = heap->next) {
		heap_check_lists_locked(heap);
		if (heap_is_at_rest(heap))
			check_magazines(heap, true);
	}
	for (struct heap *heap = registry_first(); heap != NULL;
	     heap = heap->next)
		if (heap_is_at_rest(heap))
			check_magazines(heap, false);
	check_counts(&check);
	registry_unlock_all();
	late_tell();
	return check.n_looked_at;
}
