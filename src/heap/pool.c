/*
 * pool: carving, taking and giving back by bitmaps.
 *
 * Locks: the owner's lock is held; descriptors of no pool are store_lock's.
 */
#include "heap/pool.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "base/bits.h"
#include "base/lock.h"
#include "base/message.h"
#include "meta/store.h"
#include "os/memory.h"

/* Fewer bytes are left to page faults. */
#define POPULATE_BYTES_MIN ((size_t)16 << 10)

/* So many descriptors at once go between a heap's list and the shared one. */
#define SPARES_AT_ONCE 32

/* Guarded by store_lock, but for a look whether there are any: descriptors of
 * no pool, by class. */
static struct pool_spares spare[N_CLASSES];

/*
 * `purged` has 64 bits; with 4 KiB pages and up to 4 slices that is a page
 * each, with the 8 slices of the largest classes two.
 */
static size_t pool_page_bytes(const struct pool *pool)
{
	size_t share = (pool->n_slices * SLICE_BYTES) / 64;
	return max_size(os_page_bytes(), round_up(share, os_page_bytes()));
}

static uint32_t n_pages(const struct pool *pool)
{
	return (uint32_t)(pool->n_slices * SLICE_BYTES / pool_page_bytes(pool));
}

/* Moves up to N descriptors from one list to another. */
static void move_spares(struct pool_spares *to, struct pool_spares *from,
			uint32_t n)
{
	for (; n > 0 && from->first != NULL; n--) {
		struct pool *pool = from->first;
		from->first = pool->links[POOL_LIST_BIN].next;
		from->n--;
		pool->links[POOL_LIST_BIN].next = to->first;
		to->first = pool;
		to->n++;
	}
}

static struct pool *take_spare(struct pool_spares *own, uint32_t class)
{
	if (own->first == NULL && load_relaxed(&spare[class].first) != NULL) {
		lock_acquire(&store_lock);
		move_spares(own, &spare[class], SPARES_AT_ONCE);
		lock_release(&store_lock);
	}
	struct pool *pool = own->first;
	if (pool != NULL) {
		own->first = pool->links[POOL_LIST_BIN].next;
		own->n--;
	}
	return pool;
}

void pool_keep_descriptor(struct pool_spares *own, struct pool *pool)
{
	if (own->n == 2 * SPARES_AT_ONCE) {
		lock_acquire(&store_lock);
		move_spares(&spare[pool->class], own, SPARES_AT_ONCE);
		lock_release(&store_lock);
	}
	pool->links[POOL_LIST_BIN].next = own->first;
	own->first = pool;
	own->n++;
}

void pool_restore_spares_after_fork_locked(struct pool_spares *spares)
{
	for (struct pool *pool = spares->first; pool != NULL;
	     pool = pool->links[POOL_LIST_BIN].next)
		if (load_relaxed(&pool->flagged) != 0)
			store_relaxed(&pool->flagged, 0);
}

void pool_restore_shared_spares_after_fork_locked(void)
{
	FOR_EACH_CLASS (class)
		pool_restore_spares_after_fork_locked(&spare[class]);
}

struct pool *pool_new_descriptor(struct pool_spares *own, uint32_t class)
{
	uint32_t block_bytes = class_block_bytes(class);
	uint32_t n_slots = class_pool_slots(class);
	size_t n_words = bits_words(n_slots);
	struct pool *pool = take_spare(own, class);
	if (pool != NULL)
		return pool;
	pool = store_take(sizeof(*pool) + 2 * n_words * sizeof(uint64_t),
			  CACHE_LINE);
	if (pool == NULL)
		return NULL;
	pool->reciprocal =
		((UINT64_C(1) << 40) + block_bytes - 1) / block_bytes;
	pool->block_bytes = block_bytes;
	pool->n_slots = n_slots;
	pool->n_words = (uint16_t)n_words;
	pool->class = (uint8_t) class;
	pool->n_slices = (uint8_t)class_pool_slices(class);
	return pool;
}

static void describe(struct pool *pool, uint32_t entry, void *descriptor)
{
	struct region *region = region_of(pool->base);
	size_t slice = region_slice(region, pool->base);
	for (uint32_t i = 0; i < pool->n_slices; i++)
		region_describe(region, slice + i, entry, descriptor);
}

void pool_create(struct pool *pool, struct heap *owner, uint32_t owner_id,
		 uintptr_t base, bool is_clean)
{
	pool->base = base;
	store_relaxed(&pool->n_carved, 0);
	pool->n_carvable = pool->n_slots;
	pool->n_free = 0;
	pool->bin = POOL_IN_NO_BIN;
	pool->is_current = pool->is_cooling = pool->is_growing = false;
	pool->is_away = pool->has_sites = false;
	pool->idle_bytes = 0;
	pool->purged = is_clean ? bits_low(n_pages(pool)) : 0;
	/* All bits are clear: a pool given back was unused, and its free bits
	 * were cleared then. A late freer's flag does no harm (remote.h). */
	store_relaxed(&pool->owner, owner);
	describe(pool, entry_make(owner_id, pool->class), pool);
}

void pool_add_sites(struct pool *pool)
{
	if (pool->sites == NULL)
		pool->sites = store_take(pool->n_slots * sizeof(*pool->sites),
					 CACHE_LINE);
	pool->has_sites = pool->sites != NULL;
}

void pool_destroy(struct pool_spares *own, struct pool *pool)
{
	ASSERT(pool_is_unused(pool));
	describe(pool, 0, NULL);
	for (size_t w = 0; w < bits_words(pool->n_carved); w++)
		store_relaxed(&pool->bits[w], 0);
	pool_keep_descriptor(own, pool);
}

void pool_change_owner(struct pool *pool, struct heap *owner, uint32_t owner_id)
{
	store_relaxed(&pool->owner, owner);
	describe(pool, entry_make(owner_id, pool->class), pool);
}

/* The pages that slots FIRST to LAST touch. */
static uint64_t pages_of(const struct pool *pool, uint32_t first, uint32_t last)
{
	size_t page = pool_page_bytes(pool);
	size_t low = pool_block(pool, first) - pool->base;
	size_t high = pool_block(pool, last + 1) - 1 - pool->base;
	return bits_mask((unsigned)(low / page), (unsigned)(high / page));
}

/*
 * Of a class that grows every block is likely to be written soon: the pages
 * that slots FIRST to LAST are the first to touch get memory at once, which is
 * cheaper than a fault for each.
 */
static void populate(struct pool *pool, uint32_t first, uint32_t last)
{
	size_t page = pool_page_bytes(pool);
	uint64_t fresh = pool->purged & pages_of(pool, first, last);
	unsigned n = bits_count_word(fresh);
	if (n * page >= POPULATE_BYTES_MIN)
		os_populate(pool->base + (size_t)__builtin_ctzll(fresh) * page,
			    n * page);
}

static uint32_t take_free(struct pool *pool, uint32_t n, void **end)
{
	uint32_t taken = 0;
	for (uint32_t w = 0; taken < n && pool->n_free > taken; w++) {
		uint64_t word = pool->bits[w];
		for (; word != 0 && taken < n; word &= word - 1) {
			uint32_t slot =
				w * 64 + (uint32_t)__builtin_ctzll(word);
			*--end = (void *)pool_block(pool, slot);
			taken++;
			if (UNLIKELY(pool->purged != 0))
				pool->purged &= ~pages_of(pool, slot, slot);
		}
		store_relaxed(&pool->bits[w], word);
	}
	pool->n_free -= taken;
	return taken;
}

static uint32_t carve(struct pool *pool, uint32_t n, void **end)
{
	uint32_t room = pool->n_carvable - pool->n_carved;
	if (n > room)
		n = room;
	if (n == 0)
		return 0;
	uintptr_t block = pool_block(pool, pool->n_carved);
	for (uint32_t i = 0; i < n; i++, block += pool->block_bytes)
		*--end = (void *)block;
	if (pool->is_growing)
		populate(pool, pool->n_carved, pool->n_carved + n - 1);
	pool->purged &= ~pages_of(pool, pool->n_carved, pool->n_carved + n - 1);
	store_relaxed(&pool->n_carved, pool->n_carved + n);
	return n;
}

uint32_t pool_take(struct pool *pool, uint32_t n, void **end)
{
	uint32_t taken = take_free(pool, n, end);
	return taken + carve(pool, n - taken, end - taken);
}

static bool is_clean_at(const struct pool *pool, uint64_t clean, size_t offset)
{
	return clean >> (offset / pool_page_bytes(pool)) & 1;
}

void *pool_take_zeroed(struct pool *pool, size_t *first, size_t *stop)
{
	uint64_t clean = pool->purged;
	void *block;
	if (pool_take(pool, 1, &block + 1) == 0)
		return NULL;
	size_t page = pool_page_bytes(pool);
	size_t start = (uintptr_t)block - pool->base;
	size_t low = start, high = start + pool->block_bytes;
	while (low < high && is_clean_at(pool, clean, low))
		low = min_size(round_down(low, page) + page, high);
	while (high > low && is_clean_at(pool, clean, high - 1))
		high = max_size(round_down(high - 1, page), low);
	*first = low - start;
	*stop = high - start;
	return block;
}

static ALWAYS_INLINE enum pool_put_result
examine(const struct pool *pool, uint32_t slot, uintptr_t address)
{
	if (slot >= load_relaxed(&pool->n_carved))
		return POOL_NEVER_CARVED;
	if (!pool_slot_starts_at(pool, slot, address))
		return POOL_INTERIOR;
	bool is_free = load_relaxed(&pool->bits[slot / 64]) >> (slot % 64) & 1;
	return is_free ? POOL_DOUBLE_FREE : POOL_PUT;
}

enum pool_put_result pool_examine(const struct pool *pool, uintptr_t address)
{
	return examine(pool, pool_slot(pool, address), address);
}

enum pool_put_result pool_put(struct pool *pool, uintptr_t address)
{
	uint32_t slot = pool_slot(pool, address);
	enum pool_put_result result = examine(pool, slot, address);
	if (LIKELY(result == POOL_PUT)) {
		uint64_t *word = &pool->bits[slot / 64];
		store_relaxed(word, *word | UINT64_C(1) << (slot % 64));
		pool->n_free++;
	}
	return result;
}

uint8_t pool_bin(const struct pool *pool)
{
	uint32_t available = pool->n_free + pool->n_carvable - pool->n_carved;
	uint32_t quarter = pool->n_slots / POOL_BINS;
	if (available == 0)
		return POOL_IN_NO_BIN;
	return (uint8_t)((available > quarter) + (available > 2 * quarter) +
			 (available > 3 * quarter));
}

/* No block in use touches page P: its slots are free or were never carved. */
static bool page_is_free(const struct pool *pool, uint32_t p)
{
	uintptr_t start = pool->base + p * pool_page_bytes(pool);
	uint32_t first = pool_slot(pool, start);
	uint32_t last = pool_slot(pool, start + pool_page_bytes(pool) - 1);
	if (pool->n_carved == 0 || first >= pool->n_carved)
		return true;
	if (last >= pool->n_carved)
		last = pool->n_carved - 1;
	return bits_all_set(pool->bits, first, last);
}

uint64_t pool_purgeable(const struct pool *pool)
{
	uint32_t n = n_pages(pool);
	uint64_t pages = 0;
	for (uint32_t p = 0; p < n; p++)
		if (!(pool->purged >> p & 1) && page_is_free(pool, p))
			pages |= UINT64_C(1) << p;
	return pages;
}

size_t pool_next_purgeable(const struct pool *pool, uint64_t *pages,
			   uintptr_t *at)
{
	if (*pages == 0)
		return 0;
	size_t page = pool_page_bytes(pool);
	unsigned first = (unsigned)__builtin_ctzll(*pages);
	uint64_t after = ~*pages >> first;
	unsigned n = after == 0 ? 64 - first : (unsigned)__builtin_ctzll(after);
	*pages &= ~(bits_low(n) << first);
	*at = pool->base + first * page;
	return n * page;
}

size_t pool_purged_bytes(const struct pool *pool)
{
	return (size_t)bits_count_word(pool->purged) * pool_page_bytes(pool);
}

void pool_check(struct pool *pool)
{
	uint64_t *remote = pool_remote_bits(pool);
	size_t n_free = bits_count(pool->bits, pool->n_words);
	if (pool->n_carved > pool->n_carvable ||
	    pool->n_carvable > pool->n_slots || n_free != pool->n_free)
		message_abort("broken law: pool at %p counts %u free slots of "
			      "%u carved, its bits say %zu",
			      (void *)pool->base, pool->n_free, pool->n_carved,
			      n_free);
	for (uint32_t slot = 0; slot < pool->n_words * 64u; slot++) {
		bool is_free = bits_test(pool->bits, slot);
		bool is_remote =
			load_relaxed(&remote[slot / 64]) >> (slot % 64) & 1;
		if ((is_free && is_remote) ||
		    (slot >= pool->n_carved && (is_free || is_remote)))
			message_abort(
				"broken law: slot %u of the pool at %p is "
				"in two states",
				slot, (void *)pool->base);
	}
	for (uint32_t p = 0; p < n_pages(pool); p++)
		if ((pool->purged >> p & 1) && !page_is_free(pool, p))
			message_abort(
				"broken law: page %u of the pool at %p is "
				"purged and in use",
				p, (void *)pool->base);
}
