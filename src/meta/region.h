/*
 * region: the ranges of addresses in which all blocks lie, and the page map.
 *
 * A region is address space only: nothing is mapped there until an arena is, at
 * a random base far from what the kernel hands out. It is cut into slices of 64
 * KiB. What is known of slice i stands at index i of arrays, which grow with
 * the region, piece by piece, each in a range of addresses of its own:
 *
 *	map          4 bytes a slice    owner << 8 | code: what free() needs
 *	descriptors  8 bytes a slice    the pool or large block it belongs to
 *	sites        4 bytes a slice    where the large block was allocated
 *	groups       2 bytes a slice    which slices are mapped, free, dirty
 *
 * What lies at or beyond n_slices, where the arrays end, is foreign.
 *
 * The first region is the one the hot paths look at. A further one is added
 * when it is full or was made small under RLIMIT_AS; its blocks take the slow
 * path of free().
 */
#ifndef TARN_META_REGION_H
#define TARN_META_REGION_H

#include "base/atomic.h"
#include "base/attr.h"

#define SLICE_SHIFT 16
#define SLICE_BYTES ((size_t)1 << SLICE_SHIFT)
#define GROUP_SLICES 64
#define REGIONS_MAX 16

/*
 * A page map entry is owner << 8 | code. Owner is the id of a heap, 0 for none;
 * an entry of 0 is nobody's. Every slice of a pool has the pool's entry, whose
 * code is four times the size class: an index, in units the processor can scale
 * by, into an array of structs of 32 bytes. Other runs have an entry at their
 * first slice only, with one of the codes below, which are no class's.
 */
#define ENTRY_CLASS_BITS 8
#define ENTRY_CLASS_SCALE 4
enum entry_code {
	CODE_LEAVING = 0xfc, /* is being unmapped: its pages may be gone */
	CODE_CACHED = 0xfd,  /* free, but waits in its owner's cache */
	CODE_BUSY = 0xfe,    /* a large block that is being resized or moved */
	CODE_LARGE = 0xff,   /* a large block; no owner */
};

/*
 * The longest run of slices of a kind in a stretch of the region, and those at
 * its start and its end.
 */
struct run_summary {
	uint32_t at_start;
	uint32_t longest;
	uint32_t at_end;
};

/*
 * What is known of 64 slices in a row: one bit each, and a node of the tree
 * above them (heap/slice_tree.h). All is guarded by arena_lock; who holds a run
 * may read its bits of `dirty` and `moved` meanwhile.
 */
struct slice_group {
	uint64_t free;	/* mapped and in nobody's use */
	uint64_t dirty; /* pages may be behind it, and not zero */
	uint64_t aging; /* free and dirty since before the last tick, or */
	uint64_t start; /* first slice of a run in use */
	uint64_t mapped;
	struct run_summary free_above;
	uint16_t aged_in; /* the tick that `aging` is of; it lags behind */
	uint8_t longest_free;
	bool has_cached_above; /* free and dirty */

	uint64_t hole CACHE_ALIGNED; /* not mapped, but may be */
	uint64_t moved;		     /* its mapping came by mremap */
	uint64_t moved_start;	     /* first slice of such a mapping */
	struct run_summary holes_above;
	uint8_t longest_hole;
};

struct region {
	/* What the hit path of free() reads. `base` is fixed with the first
	 * slice that is mapped. n_slices is atomic: it grows, and is stored
	 * with release after the arrays have grown. */
	uintptr_t base;
	size_t n_slices;
	uint32_t *map;
	/* Fixed with the first slice that is mapped. */
	void **descriptors;
	uint32_t *sites;
	struct slice_group *groups;
	/* Guarded by arena_lock: the addresses that arrays may grow over; how
	 * far n_slices may grow; slices below `end` have been mapped at some
	 * time or passed over; below `aged_end` none is free since before the
	 * last tick. */
	uintptr_t arrays;
	size_t arrays_bytes;
	size_t n_slices_max;
	size_t end;
	size_t aged_end;
	unsigned n_base_tries;
} CACHE_ALIGNED;

extern HIDDEN struct region regions[REGIONS_MAX];
/* Atomic: stored with release after the region is complete. */
extern size_t n_regions;

/*
 * Adds a region with addresses for at least MIN_SLICES, apart from all others.
 * The caller holds arena_lock. NULL if there is no such place, or there are
 * REGIONS_MAX. Nothing is mapped yet; a region in which nothing ever was is
 * used again for the next.
 */
struct region *region_add_locked(size_t min_slices);

/*
 * Chooses another base for a region in which nothing was ever mapped, because
 * the OS refuses the present one. False if it has tried all it knows. The
 * caller holds arena_lock.
 */
bool region_lower_base_locked(struct region *region);

/*
 * Makes the arrays long enough for N slices. The caller holds arena_lock. Where
 * something is in their way, the region is over: n_slices_max is n_slices.
 */
bool region_prepare_locked(struct region *region, size_t n);

/* Calls VISIT with each mapping of arrays, of all regions; arena_lock is held.
 */
void region_visit_arrays_locked(void (*visit)(void *context, uintptr_t at,
					      size_t bytes),
				void *context);

/* The slice of ADDRESS in REGION; n_slices or more if it lies elsewhere. */
static ALWAYS_INLINE size_t region_slice(const struct region *region,
					 uintptr_t address)
{
	return (address - region->base) >> SLICE_SHIFT;
}

static inline uintptr_t slice_address(const struct region *region, size_t slice)
{
	return region->base + (slice << SLICE_SHIFT);
}

/* The region of ADDRESS, or NULL. */
static inline struct region *region_of(uintptr_t address)
{
	size_t n = load_acquire(&n_regions);
	for (size_t i = 0; i < n; i++)
		if (region_slice(&regions[i], address) <
		    load_acquire(&regions[i].n_slices))
			return &regions[i];
	return NULL;
}

static inline uint32_t class_code(uint32_t class)
{
	return class * ENTRY_CLASS_SCALE;
}

static inline uint32_t code_class(uint32_t code)
{
	return code / ENTRY_CLASS_SCALE;
}

static inline uint32_t entry_make(uint32_t owner_id, uint32_t class)
{
	return owner_id << ENTRY_CLASS_BITS | class_code(class);
}

/* The entry of a run that is no pool's. */
static inline uint32_t entry_make_code(uint32_t owner_id, enum entry_code code)
{
	return owner_id << ENTRY_CLASS_BITS | (uint32_t)code;
}

static inline uint32_t entry_code(uint32_t entry)
{
	return entry & ((1u << ENTRY_CLASS_BITS) - 1);
}

static inline uint32_t entry_owner_id(uint32_t entry)
{
	return entry >> ENTRY_CLASS_BITS;
}

/* Of a pool's entry; for others it is N_CLASSES or more. */
static inline uint32_t entry_class(uint32_t entry)
{
	return code_class(entry_code(entry));
}

static inline bool entry_is_pool(uint32_t entry)
{
	return entry != 0 && entry_code(entry) < CODE_LEAVING;
}

static inline bool entry_is_large(uint32_t entry)
{
	return entry == CODE_LARGE || entry == CODE_BUSY;
}

/*
 * The page map is written by whoever holds the slices, and read by any thread.
 * Relaxed is enough: a thread that may look a block up got it from its malloc,
 * which came after the entry.
 */
static inline uint32_t region_entry(const struct region *region, size_t slice)
{
	return load_relaxed(&region->map[slice]);
}

static inline void *region_descriptor(const struct region *region, size_t slice)
{
	return load_relaxed(&region->descriptors[slice]);
}

/* The descriptor stays: of a free slice it tells what was last freed there. */
static inline void region_set_entry(struct region *region, size_t slice,
				    uint32_t entry)
{
	store_relaxed(&region->map[slice], entry);
}

static inline void region_describe(struct region *region, size_t slice,
				   uint32_t entry, void *descriptor)
{
	store_relaxed(&region->descriptors[slice], descriptor);
	store_relaxed(&region->map[slice], entry);
}

#endif
