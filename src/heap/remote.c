/*
 * remote: bits, flags and the owner's list.
 */
#include "heap/remote.h"

#include "base/atomic.h"
#include "base/bits.h"
#include "conf/conf.h"
#include "heap/late.h"

/* Atomic: see remote.h. */
static struct heap *parked_flagged CACHE_ALIGNED;

uint32_t remote_count(struct pool *pool)
{
	uint64_t *remote = pool_remote_bits(pool);
	uint32_t n = 0;
	for (uint32_t w = 0; w < pool->n_words; w++)
		n += bits_count_word(load_seq_cst(&remote[w]));
	return n;
}

void remote_push_parked(struct heap *heap)
{
	if (exchange_seq_cst(&heap->is_flagged, true))
		return;
	struct heap *head = load_relaxed(&parked_flagged);
	do
		store_relaxed(&heap->next_flagged, head);
	while (!cas_release(&parked_flagged, &head, heap));
}

bool remote_has_parked(void)
{
	return load_relaxed(&parked_flagged) != NULL;
}

struct heap *remote_take_parked(void)
{
	if (!remote_has_parked())
		return NULL;
	/* Acquire cites the release of remote_push_parked. */
	return exchange_acquire(&parked_flagged, NULL);
}

void remote_forget_parked_after_fork(void)
{
	store_relaxed(&parked_flagged, NULL);
}

bool remote_disown(struct pool *pool)
{
	struct heap *owner = exchange_seq_cst(&pool->owner, NULL);
	if (load_seq_cst(&pool->flagged) == 0)
		return true;
	store_relaxed(&pool->owner, owner);
	return false;
}

/* The list is only pushed to and taken whole, so there is no ABA. */
static void push_flagged(struct heap *owner, struct pool *pool)
{
	struct pool *head = load_relaxed(&owner->flagged);
	do
		store_relaxed(&pool->next_flagged, head);
	while (!cas_seq_cst(&owner->flagged, &head, pool));
	/* Cites registry_park: either it sees our list, or we its flag. */
	if (UNLIKELY(load_seq_cst(&owner->is_parked) ||
		     load_seq_cst(&pool->owner) != owner))
		remote_push_parked(owner);
}

/*
 * Sees to it that the pool is listed. Where it has no owner just now the flag
 * is taken back; then bits that others set meanwhile, trusting the flag, are
 * looked for again.
 */
static void flag(struct pool *pool)
{
	while (exchange_seq_cst(&pool->flagged, 1) == 0) {
		struct heap *owner = load_seq_cst(&pool->owner);
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

uint32_t remote_drain_pool_locked(struct pool *pool)
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
			uintptr_t block = pool_block(pool, slot);
			late_note(POOL_DOUBLE_FREE, block, block,
				  pool->block_bytes);
			freed &= ~twice;
		}
		store_relaxed(&pool->bits[w], pool->bits[w] | freed);
		pool->n_free += bits_count_word(freed);
	}
	return pool->n_free - n_before;
}

static void drain_pool(struct heap *heap, struct pool *pool,
		       remote_settler *settle)
{
	exchange_seq_cst(&pool->flagged, 0);
	if (load_relaxed(&pool->owner) == heap)
		settle(heap, pool, remote_drain_pool_locked(pool));
	else if (remote_count(pool) != 0)
		flag(pool);
}

void remote_drain_locked(struct heap *heap, uint32_t limit,
			 remote_settler *settle)
{
	struct pool *pool = heap->draining;
	/* Acquire cites the release of push_flagged: next_flagged is there. */
	if (pool == NULL && UNLIKELY(remote_has_any(heap)))
		pool = exchange_acquire(&heap->flagged, NULL);
	for (; pool != NULL && limit > 0; limit--) {
		struct pool *next = load_relaxed(&pool->next_flagged);
		drain_pool(heap, pool, settle);
		pool = next;
	}
	heap->draining = pool;
}

void remote_count_locked(const struct heap *heap,
			 void (*count)(void *context, const struct pool *pool,
				       uint32_t n),
			 void *context)
{
	struct pool *lists[] = {heap->draining, load_acquire(&heap->flagged)};
	for (int i = 0; i < 2; i++)
		for (struct pool *pool = lists[i]; pool != NULL;
		     pool = load_relaxed(&pool->next_flagged))
			if (load_relaxed(&pool->owner) != NULL)
				count(context, pool, remote_count(pool));
}

void remote_restore_after_fork(struct pool *pool)
{
	/* Written only where it must be: the child's page is a copy then. */
	if (load_relaxed(&pool->flagged) != 0)
		store_relaxed(&pool->flagged, 0);
	if (remote_count(pool) != 0)
		flag(pool);
}
