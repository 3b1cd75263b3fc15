/*
 * remote: bits, flags and the owner's list.
 */
#include "heap/remote.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "base/message.h"
#include "conf/conf.h"
#include "heap/growth.h"

uint32_t remote_count(struct pool *pool)
{
	uint64_t *remote = pool_remote_bits(pool);
	uint32_t n = 0;
	for (uint32_t w = 0; w < pool->n_words; w++)
		n += bits_count_word(load_seq_cst(&remote[w]));
	return n;
}

/* The list is only pushed to and taken whole, so there is no ABA. */
static void push_flagged(struct heap *owner, struct pool *pool)
{
	struct pool *head = load_relaxed(&owner->flagged);
	do
		store_relaxed(&pool->next_flagged, head);
	while (!cas_release(&owner->flagged, &head, pool));
}

/*
 * Sees to it that the pool is listed. Where it has no owner just now the flag
 * is taken back; then bits that others set meanwhile, trusting the flag, are
 * looked for again.
 */
static void flag(struct pool *pool)
{
	while (exchange_seq_cst(&pool->flagged, 1) == 0) {
		struct heap *owner = load_relaxed(&pool->owner);
		if (owner != NULL) {
			push_flagged(owner, pool);
			return;
		}
		exchange_seq_cst(&pool->flagged, 0);
		if (remote_count(pool) == 0)
			return;
	}
}

enum pool_put_result remote_free(struct pool *pool, uintptr_t address)
{
	uint32_t slot = pool_slot(pool, address);
	if (UNLIKELY(slot >= load_relaxed(&pool->n_carved)))
		return POOL_NEVER_CARVED;
	if (UNLIKELY(!pool_slot_starts_at(pool, slot, address)))
		return POOL_INTERIOR;
	uint64_t bit = UINT64_C(1) << (slot % 64);
	uint64_t *word = &pool_remote_bits(pool)[slot / 64];
	/* The bit of a block in use has been cleared before its malloc
	 * returned. Looking costs a cache miss, so only when asked to. */
	if (UNLIKELY(conf.check) &&
	    (load_relaxed(&pool->bits[slot / 64]) & bit) != 0)
		return POOL_DOUBLE_FREE;
	if (UNLIKELY(fetch_or_seq_cst(word, bit) & bit))
		return POOL_DOUBLE_FREE;
	if (load_seq_cst(&pool->flagged) == 0)
		flag(pool);
	return POOL_PUT;
}

void remote_drain_pool_locked(struct pool *pool)
{
	uint64_t *remote = pool_remote_bits(pool);
	uint32_t n_before = pool->n_free;
	for (uint32_t w = 0; w < pool->n_words; w++) {
		if (load_seq_cst(&remote[w]) == 0)
			continue;
		uint64_t freed = exchange_seq_cst(&remote[w], 0);
		uint64_t twice = freed & pool->bits[w];
		if (UNLIKELY(twice != 0)) {
			uint32_t slot =
				w * 64 + (uint32_t)__builtin_ctzll(twice);
			message_abort(
				"free(%p): double free of a %u-byte block "
				"(noticed late)",
				(void *)pool_block(pool, slot),
				pool->block_bytes);
		}
		store_relaxed(&pool->bits[w], pool->bits[w] | freed);
		pool->n_free += bits_count_word(freed);
	}
	growth_note_locked(load_relaxed(&pool->owner),
			   (int64_t)n_before - pool->n_free, pool->block_bytes);
}

static void drain_pool(struct heap *heap, struct pool *pool,
		       void (*settle)(struct heap *heap, struct pool *pool))
{
	exchange_seq_cst(&pool->flagged, 0);
	if (load_relaxed(&pool->owner) == heap) {
		remote_drain_pool_locked(pool);
		settle(heap, pool);
	} else if (remote_count(pool) != 0) {
		flag(pool);
	}
}

void remote_drain_locked(struct heap *heap, uint32_t limit,
			 void (*settle)(struct heap *heap, struct pool *pool))
{
	struct pool *pool = heap->draining;
	/* Acquire cites the release of push_flagged: next_flagged is there. */
	if (pool == NULL && UNLIKELY(load_relaxed(&heap->flagged) != NULL))
		pool = exchange_acquire(&heap->flagged, NULL);
	for (; pool != NULL && limit > 0; limit--) {
		struct pool *next = load_relaxed(&pool->next_flagged);
		drain_pool(heap, pool, settle);
		pool = next;
	}
	heap->draining = pool;
}

void remote_restore_after_fork(struct pool *pool)
{
	/* Written only where it must be: the child's page is a copy then. */
	if (load_relaxed(&pool->flagged) != 0)
		store_relaxed(&pool->flagged, 0);
	if (remote_count(pool) != 0)
		flag(pool);
}
