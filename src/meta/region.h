/*
 * region: the ranges of addresses in which all blocks lie, and the page map.
 *
 * A region is address space only: nothing is mapped there until an arena is, at
 * a random base far from what the kernel hands out. It is cut into slices of 64
 * KiB. What is known of slice i stands at index i of three arrays, mapped
 * read-only for the whole region and made writable as arenas reach them:
 *
 *	map          4 bytes a slice    owner << 8 | class: what free() needs
 *	descriptors  8 bytes a slice    the pool or large block it belongs to
 *	groups       1 byte a slice     which slices are mapped, free, dirty
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
#define REGION_RUN_LOGS 33

/*
 * A page map entry names the owner's heap id and the size class. An entry of 0
 * is nobody's; a large block's first slice has the class CLASS_LARGE and no
 * owner.
 */
#define ENTRY_CLASS_BITS 8
#define CLASS_LARGE 0xffu

/* What is known of 64 slices in a row: one bit each, in one cache line. */
struct slice_group {
	/* Guarded by arena_lock. */
	uint64_t mapped; /* the kernel has a mapping there */
	uint64_t free;	 /* mapped and in nobody's use */
	uint64_t dirty;	 /* pages may be behind it, and not zero */
	uint64_t aging;	 /* free and dirty since before the last tick */
	uint64_t start;	 /* first slice of a run in use */
	uint64_t reserved[3];
};

struct region {
	/* Fixed at creation, `base` with the first slice that is mapped. */
	uintptr_t base;
	size_t n_slices;
	uint32_t *map;
	void **descriptors;
	struct slice_group *groups;
	uint64_t *groups_with_free;
	uint64_t *groups_with_dirty;
	uintptr_t arrays;
	size_t arrays_bytes;
	/* Guarded by arena_lock: slices below `end` have been mapped at some
	 * time or passed over; the arrays are writable up to `n_writable`. */
	size_t end;
	size_t n_writable;
	unsigned n_base_tries;
	/* No free run of 2^k or more slices starts below lowest_run[k]. */
	size_t lowest_run[REGION_RUN_LOGS];
};

extern HIDDEN struct region regions[REGIONS_MAX];
/* Atomic: stored with release after the region is complete. */
extern size_t n_regions;

/*
 * Adds a region of at least MIN_SLICES. The caller holds arena_lock. NULL if
 * the OS refuses or there are REGIONS_MAX.
 */
struct region *region_add_locked(size_t min_slices);

/*
 * Chooses another base for a region in which nothing was ever mapped, because
 * the OS refuses the present one. False if it has tried all it knows. The
 * caller holds arena_lock.
 */
bool region_lower_base_locked(struct region *region);

/* Makes the arrays writable for slices below N. The caller holds arena_lock. */
bool region_prepare_locked(struct region *region, size_t n);

/* Bytes of the arrays that are writable. The caller holds arena_lock. */
size_t region_writable_bytes_locked(const struct region *region);

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
		if (region_slice(&regions[i], address) < regions[i].n_slices)
			return &regions[i];
	return NULL;
}

static inline uint32_t entry_make(uint32_t owner_id, uint32_t class)
{
	return owner_id << ENTRY_CLASS_BITS | class;
}

static inline uint32_t entry_class(uint32_t entry)
{
	return entry & ((1u << ENTRY_CLASS_BITS) - 1);
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

static inline void region_describe(struct region *region, size_t slice,
				   uint32_t entry, void *descriptor)
{
	store_relaxed(&region->descriptors[slice], descriptor);
	store_relaxed(&region->map[slice], entry);
}

#endif
