/*
 * slice_tree: sums, from the bits up.
 *
 * Law:   every node is the sum of its children, for free slices and for holes.
 *        A leaf's longest run is that of its bits.
 */
#include "heap/slice_tree.h"

#include "base/arith.h"
#include "base/bits.h"
#include "base/message.h"

size_t slice_tree_steps;

struct stretch {
	struct run_summary runs;
	bool has_cached;
};

/* What a walk needs to know of the region. */
struct tree {
	struct slice_group *groups;
	enum slice_kind kind;
	unsigned height; /* the level of the root */
	size_t n;	 /* groups */
};

static ALWAYS_INLINE struct tree tree_of(const struct region *region,
					 enum slice_kind kind)
{
	size_t n = divide_up(region->end, GROUP_SLICES);
	return (struct tree){region->groups, kind, log2_ceil(n), n};
}

/* The group in which the node lies: of LEVEL 1 or more, and the J-th there. */
static ALWAYS_INLINE size_t group_of(unsigned level, size_t j)
{
	return (j << level) + ((size_t)1 << (level - 1)) - 1;
}

/* --- leaves --------------------------------------------------------------- */

static ALWAYS_INLINE uint64_t bits_of(const struct slice_group *group,
				      enum slice_kind kind)
{
	return kind == SLICES_FREE ? group->free : group->hole;
}

/* Where runs of N bits and more begin. */
static uint64_t starts_of_runs(uint64_t bits, unsigned n)
{
	while (n > 1) {
		unsigned half = n / 2;
		bits &= bits >> half;
		n -= half;
	}
	return bits;
}

/* Doubles the length until no run is so long, then adds what still fits. */
static unsigned longest_of(uint64_t bits)
{
	uint64_t of_length[6];
	unsigned k = 0, n = 1;
	if (bits == 0 || ~bits == 0)
		return bits == 0 ? 0 : 64;
	of_length[0] = bits;
	for (; k < 5; k++, n *= 2) {
		of_length[k + 1] = of_length[k] & of_length[k] >> n;
		if (of_length[k + 1] == 0)
			break;
	}
	uint64_t starts = of_length[k];
	while (k-- > 0) {
		uint64_t longer = starts & of_length[k] >> n;
		if (longer != 0) {
			starts = longer;
			n += 1u << k;
		}
	}
	return n;
}

static ALWAYS_INLINE struct stretch leaf(const struct tree *tree, size_t g)
{
	const struct slice_group *group = &tree->groups[g];
	bool is_free = tree->kind == SLICES_FREE;
	uint64_t bits = bits_of(group, tree->kind), others = ~bits;
	bool has_cached = is_free && (bits & group->dirty) != 0;
	if (others == 0)
		return (struct stretch){{64, 64, 64}, has_cached};
	return (struct stretch){
		.runs.at_start = (uint32_t)__builtin_ctzll(others),
		.runs.longest =
			is_free ? group->longest_free : group->longest_hole,
		.runs.at_end = (uint32_t)__builtin_clzll(others),
		.has_cached = has_cached,
	};
}

static ALWAYS_INLINE void measure_leaf(const struct tree *tree, size_t g)
{
	struct slice_group *group = &tree->groups[g];
	uint8_t longest = (uint8_t)longest_of(bits_of(group, tree->kind));
	if (tree->kind == SLICES_FREE)
		group->longest_free = longest;
	else
		group->longest_hole = longest;
}

/* --- nodes ---------------------------------------------------------------- */

static ALWAYS_INLINE struct stretch stored(const struct tree *tree, size_t g)
{
	const struct slice_group *at = &tree->groups[g];
	if (tree->kind == SLICES_FREE)
		return (struct stretch){at->free_above, at->has_cached_above};
	return (struct stretch){at->holes_above, false};
}

/* Goes down to the node that stands for this one, if it is not there itself. */
static ALWAYS_INLINE void resolve(size_t n, unsigned *level, size_t *j)
{
	while (*level > 0 && group_of(*level, *j) >= n) {
		--*level;
		*j *= 2;
	}
}

static ALWAYS_INLINE struct stretch node_at(const struct tree *tree,
					    unsigned level, size_t j)
{
	unsigned spans = level;
	slice_tree_steps++;
	if (j << level >= tree->n)
		return (struct stretch){0};
	resolve(tree->n, &level, &j);
	struct stretch node =
		level == 0 ? leaf(tree, j) : stored(tree, group_of(level, j));
	if (level < spans)
		node.runs.at_end = 0; /* the rest is not there */
	return node;
}

/* Of two nodes below LEVEL that follow each other. */
static ALWAYS_INLINE struct stretch sum(struct stretch left,
					struct stretch right, unsigned level)
{
	uint32_t half = (uint32_t)GROUP_SLICES << (level - 1);
	uint32_t across = left.runs.at_end + right.runs.at_start;
	struct stretch node = {
		.runs.at_start = left.runs.at_start,
		.runs.longest = left.runs.longest > right.runs.longest
					? left.runs.longest
					: right.runs.longest,
		.runs.at_end = right.runs.at_end,
		.has_cached = left.has_cached || right.has_cached,
	};
	if (left.runs.at_start == half)
		node.runs.at_start += right.runs.at_start;
	if (right.runs.at_end == half)
		node.runs.at_end += left.runs.at_end;
	if (node.runs.longest < across)
		node.runs.longest = across;
	return node;
}

static ALWAYS_INLINE bool is_same(struct stretch a, struct stretch b)
{
	return a.runs.at_start == b.runs.at_start &&
	       a.runs.longest == b.runs.longest &&
	       a.runs.at_end == b.runs.at_end && a.has_cached == b.has_cached;
}

/* Makes the node in group G what it is to be; false if it was that already. */
static ALWAYS_INLINE bool store_node(const struct tree *tree, size_t g,
				     struct stretch node)
{
	struct slice_group *at = &tree->groups[g];
	if (is_same(node, stored(tree, g)))
		return false;
	if (tree->kind == SLICES_FREE) {
		at->free_above = node.runs;
		at->has_cached_above = node.has_cached;
	} else {
		at->holes_above = node.runs;
	}
	return true;
}

static ALWAYS_INLINE bool update_node(const struct tree *tree, unsigned level,
				      size_t j)
{
	return store_node(tree, group_of(level, j),
			  sum(node_at(tree, level - 1, 2 * j),
			      node_at(tree, level - 1, 2 * j + 1), level));
}

/* With ALL also what lies above nodes that have not changed. */
static ALWAYS_INLINE void update(const struct tree *tree, size_t first,
				 size_t last, bool all)
{
	for (size_t g = first; g <= last; g++)
		measure_leaf(tree, g);
	for (unsigned level = 1; level <= tree->height; level++) {
		bool changed = all;
		first /= 2;
		last /= 2;
		for (size_t j = first; j <= last; j++)
			if (group_of(level, j) >= tree->n ||
			    update_node(tree, level, j))
				changed = true;
		if (!changed)
			break;
	}
}

/* The stretch that the bits of MASK, side by side, make with the free ones. */
static ALWAYS_INLINE unsigned length_around(uint64_t bits, uint64_t mask)
{
	uint64_t lowest = mask & -mask;
	uint64_t used = ~(bits | mask);
	uint64_t below = used & (lowest - 1), above = used & ~(lowest - 1);
	int start = below == 0 ? 0 : 64 - __builtin_clzll(below);
	int stop = above == 0 ? 64 : __builtin_ctzll(above);
	return (unsigned)(stop - start);
}

/* Measures free slices anew only if the longest run may have been cut. */
static ALWAYS_INLINE void measure_change(const struct tree *tree, size_t g,
					 uint64_t mask)
{
	struct slice_group *group = &tree->groups[g];
	unsigned length = length_around(group->free, mask);
	if (group->free & mask)
		group->longest_free =
			(uint8_t)max_size(group->longest_free, length);
	else if (length >= group->longest_free)
		measure_leaf(tree, g);
}

/* The sum so far is one half of the next. */
void slice_tree_update_free(struct region *region, size_t j, uint64_t mask)
{
	struct tree tree = tree_of(region, SLICES_FREE);
	measure_change(&tree, j, mask);
	struct stretch node = leaf(&tree, j);
	for (unsigned level = 1; level <= tree.height; level++, j /= 2) {
		size_t g = group_of(level, j / 2);
		if (g >= tree.n)
			node.runs.at_end = 0; /* as in node_at */
		else if (j % 2 == 0)
			node = sum(node, node_at(&tree, level - 1, j + 1),
				   level);
		else
			node = sum(node_at(&tree, level - 1, j - 1), node,
				   level);
		if (g < tree.n && !store_node(&tree, g, node))
			break;
	}
}

void slice_tree_update(struct region *region, enum slice_kind kind,
		       size_t first, size_t last)
{
	struct tree of_free = tree_of(region, SLICES_FREE);
	struct tree of_holes = tree_of(region, SLICES_HOLE);
	if (kind == SLICES_FREE)
		update(&of_free, first, last, false);
	else
		update(&of_holes, first, last, false);
}

/* The new groups bring nodes with them whose left halves lie further down. */
void slice_tree_grow(struct region *region, size_t old_end)
{
	struct tree of_free = tree_of(region, SLICES_FREE);
	struct tree of_holes = tree_of(region, SLICES_HOLE);
	size_t first = old_end / GROUP_SLICES, last = of_free.n - 1;
	update(&of_free, first, last, true);
	update(&of_holes, first, last, true);
}

/* --- searches ------------------------------------------------------------- */

size_t slice_tree_longest(const struct region *region, enum slice_kind kind)
{
	struct tree tree = tree_of(region, kind);
	return node_at(&tree, tree.height, 0).runs.longest;
}

/* Goes down to the left where the run is there, else to the right, unless it
 * lies across the two. */
static ALWAYS_INLINE size_t find(const struct tree *tree, size_t n)
{
	unsigned level = tree->height;
	size_t j = 0;
	for (;;) {
		resolve(tree->n, &level, &j);
		if (level == 0)
			break;
		level--;
		j *= 2;
		struct stretch left = node_at(tree, level, j);
		if (left.runs.longest >= n)
			continue;
		j++;
		struct stretch right = node_at(tree, level, j);
		if (left.runs.at_end + right.runs.at_start >= n)
			return (j << level) * GROUP_SLICES - left.runs.at_end;
	}
	uint64_t bits = bits_of(&tree->groups[j], tree->kind);
	return j * GROUP_SLICES +
	       (size_t)__builtin_ctzll(starts_of_runs(bits, (unsigned)n));
}

size_t slice_tree_find(const struct region *region, enum slice_kind kind,
		       size_t n)
{
	struct tree of_free = tree_of(region, SLICES_FREE);
	struct tree of_holes = tree_of(region, SLICES_HOLE);
	if (slice_tree_longest(region, kind) < n)
		return region->end;
	return kind == SLICES_FREE ? find(&of_free, n) : find(&of_holes, n);
}

static ALWAYS_INLINE bool has_cached(const struct tree *tree, unsigned level,
				     size_t j)
{
	return node_at(tree, level, j).has_cached;
}

/* Rises over stretches without, then goes down to the first with. */
size_t slice_tree_next_cached(const struct region *region, size_t from)
{
	struct tree tree = tree_of(region, SLICES_FREE);
	unsigned level = 0;
	size_t j = from;
	if (from == 0)
		level = tree.height;
	while (j << level < tree.n && !has_cached(&tree, level, j)) {
		j++;
		while (j % 2 == 0 && level < tree.height) {
			j /= 2;
			level++;
		}
	}
	if (j << level >= tree.n)
		return tree.n;
	while (level > 0) {
		level--;
		j *= 2;
		if (!has_cached(&tree, level, j))
			j++;
	}
	return j;
}

/* --- laws ----------------------------------------------------------------- */

static void check_tree(const struct region *region, enum slice_kind kind)
{
	struct tree tree = tree_of(region, kind);
	for (size_t g = 0; g < tree.n; g++) {
		uint64_t bits = bits_of(&tree.groups[g], kind);
		unsigned level = (unsigned)__builtin_ctzll(g + 1) + 1;
		size_t j = (g + 1) >> level;
		bool good = bits == 0 || ~bits == 0 ||
			    leaf(&tree, g).runs.longest == longest_of(bits);
		/* Else it is the next root, when there are more. */
		if (level <= tree.height)
			good &= is_same(
				stored(&tree, g),
				sum(node_at(&tree, level - 1, 2 * j),
				    node_at(&tree, level - 1, 2 * j + 1),
				    level));
		if (!good)
			message_abort("broken law: sum of slices at %p",
				      (void *)slice_address(region,
							    g * GROUP_SLICES));
	}
}

void slice_tree_check(const struct region *region)
{
	check_tree(region, SLICES_FREE);
	check_tree(region, SLICES_HOLE);
}
