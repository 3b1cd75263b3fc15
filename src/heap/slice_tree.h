/*
 * slice_tree: where the runs of free slices and of holes are, and how long.
 *
 * A binary tree above the groups of a region. A node knows the longest run of
 * its slices, and those at its start and its end; it is the sum of its two
 * children. Searches and changes follow one way between root and leaf, so they
 * cost what the region's logarithm is, whatever lies in it.
 *
 * Nodes lie in the groups themselves: the node that spans 2^k groups is in the
 * last group of its left half, the leaf of a group is made from its bits.
 *
 *	level 2           .-------- 1
 *	level 1     .---- 0                .---- 2
 *	level 0     0     1     2     3    (group, or where the node is)
 *
 * So the arrays grow with the region, and the tree by a root on top. Where the
 * right half of a node begins behind the last group there is no such node: its
 * left child stands for it.
 *
 * The caller holds arena_lock.
 */
#ifndef TARN_HEAP_SLICE_TREE_H
#define TARN_HEAP_SLICE_TREE_H

#include "base/attr.h"
#include "meta/region.h"

enum slice_kind { SLICES_FREE, SLICES_HOLE };

/* Brings the tree up to date after bits of the groups FIRST to LAST changed. */
void slice_tree_update(struct region *region, enum slice_kind kind,
		       size_t first, size_t last);

/* The same, cheaper, after bits side by side in group G, those of MASK, have
 * all become free, or used. */
void slice_tree_update_free(struct region *region, size_t g, uint64_t mask);

/* The same after region->end has moved up from OLD_END. */
void slice_tree_grow(struct region *region, size_t old_end);

/* The length of the longest run. */
size_t slice_tree_longest(const struct region *region, enum slice_kind kind);

/* The start of the first run of N slices or more; `end` if there is none. */
size_t slice_tree_find(const struct region *region, enum slice_kind kind,
		       size_t n);

/* The first group at or after FROM with a slice that is free and dirty; any
 * group behind the last if there is none. */
size_t slice_tree_next_cached(const struct region *region, size_t from);

/* Aborts if a node is not the sum of its children. */
void slice_tree_check(const struct region *region);

/* Nodes looked at since the start: what the tests count. */
extern size_t slice_tree_steps;

#endif
