/*
 * pool: blocks of one size class in consecutive slices.
 *
 *	slices      | slot 0 | slot 1 | ... carved | not carved yet ... | tail |
 *	descriptor  header, free bits (one a slot), remote bits (one a slot)
 *
 * The descriptor lies in the metadata store, never among the blocks, and keeps
 * its class for good: a pool that is given back leaves its descriptor to the
 * next pool of the class.
 *
 * Law:   n_carved == live + n_free + popcount(remote) + in magazines, and a
 *        slot is in exactly one of these states; n_free == popcount(free).
 * Owner: the heap named in `owner` and, by its id, in the page map. Others only
 *        set bits in `remote` (heap/remote.h).
 */
#ifndef TARN_HEAP_POOL_H
#define TARN_HEAP_POOL_H

#include "base/attr.h"
#include "heap/size_class.h"
#include "meta/region.h"

struct heap;

/* By how full it is a pool with free slots waits in one of so many lists. */
#define POOL_BINS 4
#define POOL_IN_NO_BIN 0xff

/* A pool is in two lists of its heap at most. */
enum pool_list_kind {
	POOL_LIST_BIN,
	POOL_LIST_COOLING,
	POOL_LIST_KINDS,
};

struct pool_link {
	struct pool *next;
	struct pool *previous;
};

struct pool_list {
	struct pool *first;
	struct pool *last;
};

struct pool {
	/* Fixed while the pool lives. */
	uintptr_t base;
	uint64_t reciprocal; /* ceil(2^40 / block_bytes) */
	uint32_t block_bytes;
	uint32_t n_slots;
	uint16_t n_words; /* of each bitmap */
	uint8_t class;
	uint8_t n_slices;
	/* Atomic, changed under the locks of the old and the new owner: read
	 * by freers to find whom to tell, who bear an outdated answer. */
	struct heap *owner;

	/*
	 * Guarded by the owner's lock. n_carved and the free bits are also
	 * read, relaxed, by who has a block of the pool: n_carved had grown
	 * past it and its bit was cleared before he got it.
	 */
	uint32_t n_carved;
	uint32_t n_carvable; /* no more are carved: see pool_seal() */
	uint32_t n_free;
	uint8_t bin;
	bool is_current;
	bool is_cooling;
	bool is_growing; /* its class has lately asked for much */
	bool is_away; /* being purged, on no list: nobody takes slots of it */
	bool has_sites;
	uint32_t idle_bytes; /* freed, and not purged nor taken since */
	uint64_t cooling_since_ms;
	struct pool_link links[POOL_LIST_KINDS];
	/* Pages without memory behind them: bit i for the i-th share of the
	 * pool's bytes that pool_page_bytes() tells. */
	uint64_t purged;
	/* A word for each slot, for src/watch, or NULL; they mean something if
	 * has_sites, and for live blocks. */
	uint32_t *sites;

	/* Atomic: see heap/remote.h. Apart from the owner's fields because
	 * other threads write here. */
	struct pool *next_flagged CACHE_ALIGNED;
	uint32_t flagged;

	/* n_words of free bits, guarded by the owner's lock, then n_words of
	 * remote bits, atomic. */
	uint64_t bits[];
};

static inline uint64_t *pool_remote_bits(struct pool *pool)
{
	return pool->bits + pool->n_words;
}

/* The slot that ADDRESS lies in; n_slots or more in the tail. */
static ALWAYS_INLINE uint32_t pool_slot(const struct pool *pool,
					uintptr_t address)
{
	return (uint32_t)((address - pool->base) * pool->reciprocal >> 40);
}

static inline uintptr_t pool_block(const struct pool *pool, uint32_t slot)
{
	return pool->base + (uintptr_t)slot * pool->block_bytes;
}

/* True if ADDRESS is where a slot begins. */
static inline bool pool_slot_starts_at(const struct pool *pool, uint32_t slot,
				       uintptr_t address)
{
	return slot < pool->n_slots && pool_block(pool, slot) == address;
}

/* Every carved slot is free: nothing is live, remote or in a magazine. */
static inline bool pool_is_unused(const struct pool *pool)
{
	return pool->n_free == pool->n_carved;
}

static inline bool pool_is_exhausted(const struct pool *pool)
{
	return pool->n_free == 0 && pool->n_carved == pool->n_carvable;
}

/* A heap's descriptors of no pool, linked as in a bin. The heap is locked. */
struct pool_spares {
	struct pool *first;
	uint32_t n;
};

/* A descriptor of CLASS, of no pool yet; NULL if the OS refuses. OWN are the
 * heap's of that class. */
struct pool *pool_new_descriptor(struct pool_spares *own, uint32_t class);
void pool_keep_descriptor(struct pool_spares *own, struct pool *pool);

/*
 * Makes a pool for OWNER of the run at BASE, described in the page map, on no
 * list. IS_CLEAN: there are no pages yet.
 */
void pool_create(struct pool *pool, struct heap *owner, uint32_t owner_id,
		 uintptr_t base, bool is_clean);

/* Gives a pool just created room for sites; without memory it has none. */
void pool_add_sites(struct pool *pool);

/* Ends an unused pool that is on no list, and disowned; its run is the
 * caller's. */
void pool_destroy(struct pool_spares *own, struct pool *pool);

/*
 * In the child of a fork, the store's lock being held: no list has the spare
 * descriptors that a thread of the parent had flagged. Of one heap, and of the
 * list that all share.
 */
void pool_restore_spares_after_fork_locked(struct pool_spares *spares);
void pool_restore_shared_spares_after_fork_locked(void);

/*
 * No slot of it is carved any more: what was never used costs no memory where
 * it is, and the rest of the heap has memory that was used.
 */
static inline void pool_seal(struct pool *pool)
{
	pool->n_carvable = pool->n_carved;
}

/* Makes OWNER the owner. Both owners' locks are held. */
void pool_change_owner(struct pool *pool, struct heap *owner,
		       uint32_t owner_id);

/*
 * Takes up to N slots, free ones first, lowest addresses first, and writes
 * their addresses before END, from there downwards: a magazine is popped from
 * its end. Returns how many. What had no pages until now is no longer purged.
 */
uint32_t pool_take(struct pool *pool, uint32_t n, void **end);

/*
 * Takes one slot, which is to be zero. *FIRST and *STOP are the bytes of it
 * that may be something else.
 */
void *pool_take_zeroed(struct pool *pool, size_t *first, size_t *stop);

/* What pool_put found. */
enum pool_put_result {
	POOL_PUT,
	POOL_DOUBLE_FREE,  /* the slot is free already */
	POOL_INTERIOR,	   /* not where a slot begins */
	POOL_NEVER_CARVED, /* nobody ever got this slot */
};

/* Gives back the block at ADDRESS, which lies in this pool. */
enum pool_put_result pool_put(struct pool *pool, uintptr_t address);

/* What the slot at ADDRESS would be found to be, changing nothing. */
enum pool_put_result pool_examine(const struct pool *pool, uintptr_t address);

/* Which bin a pool belongs in: 0 is the fullest. */
uint8_t pool_bin(const struct pool *pool);

/*
 * Which pages no block in use touches and may be given back: bits as in
 * `purged`. And the run of them that *PAGES begins with, which is cut off; 0
 * bytes if there is none.
 */
uint64_t pool_purgeable(const struct pool *pool);
size_t pool_next_purgeable(const struct pool *pool, uint64_t *pages,
			   uintptr_t *at);

size_t pool_purged_bytes(const struct pool *pool);

static inline void pool_list_add(struct pool_list *list, struct pool *pool,
				 enum pool_list_kind kind)
{
	pool->links[kind] = (struct pool_link){.previous = list->last};
	if (list->last != NULL)
		list->last->links[kind].next = pool;
	else
		list->first = pool;
	list->last = pool;
}

static inline void pool_list_remove(struct pool_list *list, struct pool *pool,
				    enum pool_list_kind kind)
{
	struct pool_link link = pool->links[kind];
	if (link.previous != NULL)
		link.previous->links[kind].next = link.next;
	else
		list->first = link.next;
	if (link.next != NULL)
		link.next->links[kind].previous = link.previous;
	else
		list->last = link.previous;
}

/* Proves the laws that the pool alone can tell. The owner's lock is held. */
void pool_check(struct pool *pool);

#endif
