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

struct node {
	struct run_summary runs;
	bool has_cached;
};

static size_t n_groups(const struct region *region)
{
	return divide_up(region->end, GROUP_SLICES);
}

/* The level of the root. */
static unsigned height(const struct region *region)
{
	return log2_ceil(n_groups(region));
}

/* The group in which the node lies: of LEVEL 1 or more, and the J-th there. */
static size_t group_of(unsigned level, size_t j)
{
	return (j << level) + ((size_t)1 << (level - 1)) - 1;
}

/* --- leaves --------------------------------------------------------------- */

static uint64_t bits_of(const struct slice_group *group, enum slice_kind kind)
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

static struct node leaf(const struct region *region, enum slice_kind kind,
			size_t g)
{
	const struct slice_group *group = &region->groups[g];
	uint64_t bits = bits_of(group, kind), others = ~bits;
	if (others == 0)
		return (struct node){{64, 64, 64},
				     kind == SLICES_FREE && group->dirty != 0};
	return (struct node){
		.runs.at_start = (uint32_t)__builtin_ctzll(others),
		.runs.longest = kind == SLICES_FREE ? group->longest_free
						    : group->longest_hole,
		.runs.at_end = (uint32_t)__builtin_clzll(others),
		.has_cached = (bits & group->dirty) != 0,
	};
}

/* --- nodes ---------------------------------------------------------------- */

/* Goes down to the node that stands for this one, if it is not there itself. */
static void resolve(size_t n, unsigned *level, size_t *j)
{
	while (*level > 0 && group_of(*level, *j) >= n) {
		--*level;
		*j *= 2;
	}
}

static struct node node_at(const struct region *region, enum slice_kind kind,
			   unsigned level, size_t j)
{
	size_t n = n_groups(region);
	unsigned spans = level;
	slice_tree_steps++;
	if (j << level >= n)
		return (struct node){0};
	resolve(n, &level, &j);
	struct node node;
	if (level == 0) {
		node = leaf(region, kind, j);
	} else {
		const struct slice_group *at =
			&region->groups[group_of(level, j)];
		node.runs =
			kind == SLICES_FREE ? at->free_above : at->holes_above;
		node.has_cached = kind == SLICES_FREE && at->has_cached_above;
	}
	if (level < spans)
		node.runs.at_end = 0; /* the rest is not there */
	return node;
}

static struct node sum(const struct region *region, enum slice_kind kind,
		       unsigned level, size_t j)
{
	struct node left = node_at(region, kind, level - 1, 2 * j);
	struct node right = node_at(region, kind, level - 1, 2 * j + 1);
	uint32_t half = (uint32_t)GROUP_SLICES << (level - 1);
	uint32_t across = left.runs.at_end + right.runs.at_start;
	struct node node = {
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

static bool is_same(struct node a, struct node b)
{
	return a.runs.at_start == b.runs.at_start &&
	       a.runs.longest == b.runs.longest &&
	       a.runs.at_end == b.runs.at_end && a.has_cached == b.has_cached;
}

/* True if that changed it. */
static bool update_node(struct region *region, enum slice_kind kind,
			unsigned level, size_t j)
{
	struct node node = sum(region, kind, level, j);
	if (is_same(node, node_at(region, kind, level, j)))
		return false;
	struct slice_group *at = &region->groups[group_of(level, j)];
	if (kind == SLICES_FREE) {
		at->free_above = node.runs;
		at->has_cached_above = node.has_cached;
	} else {
		at->holes_above = node.runs;
	}
	return true;
}

/* With ALL also what lies above nodes that have not changed. */
static void update(struct region *region, enum slice_kind kind, size_t first,
		   size_t last, bool all)
{
	size_t n = n_groups(region);
	unsigned top = height(region);
	for (size_t g = first; g <= last; g++) {
		struct slice_group *group = &region->groups[g];
		uint8_t longest = (uint8_t)longest_of(bits_of(group, kind));
		if (kind == SLICES_FREE)
			group->longest_free = longest;
		else
			group->longest_hole = longest;
	}
	for (unsigned level = 1; level <= top; level++) {
		bool changed = all;
		first /= 2;
		last /= 2;
		for (size_t j = first; j <= last; j++)
			if (group_of(level, j) >= n ||
			    update_node(region, kind, level, j))
				changed = true;
		if (!changed)
			break;
	}
}

void slice_tree_update(struct region *region, enum slice_kind kind,
		       size_t first, size_t last)
{
	update(region, kind, first, last, false);
}

/* The new groups bring nodes with them whose left halves lie further down. */
void slice_tree_grow(struct region *region, size_t old_end)
{
	size_t first = old_end / GROUP_SLICES, last = n_groups(region) - 1;
	update(region, SLICES_FREE, first, last, true);
	update(region, SLICES_HOLE, first, last, true);
}

/* --- searches ------------------------------------------------------------- */

size_t slice_tree_longest(const struct region *region, enum slice_kind kind)
{
	return node_at(region, kind, height(region), 0).runs.longest;
}

size_t slice_tree_find(const struct region *region, enum slice_kind kind,
		       size_t n)
{
	unsigned level = height(region);
	size_t j = 0;
	if (slice_tree_longest(region, kind) < n)
		return region->end;
	for (;;) {
		resolve(n_groups(region), &level, &j);
		if (level == 0)
			break;
		struct node left = node_at(region, kind, level - 1, 2 * j);
		struct node right = node_at(region, kind, level - 1, 2 * j + 1);
		level--;
		j *= 2;
		if (left.runs.longest >= n)
			continue;
		j++;
		if (left.runs.at_end + right.runs.at_start >= n)
			return (j << level) * GROUP_SLICES - left.runs.at_end;
	}
	uint64_t bits = bits_of(&region->groups[j], kind);
	return j * GROUP_SLICES +
	       (size_t)__builtin_ctzll(starts_of_runs(bits, (unsigned)n));
}

static bool has_cached(const struct region *region, unsigned level, size_t j)
{
	return node_at(region, SLICES_FREE, level, j).has_cached;
}

/* Rises over stretches without, then goes down to the first with. */
size_t slice_tree_next_cached(const struct region *region, size_t from)
{
	size_t n = n_groups(region), j = from;
	unsigned level = 0;
	while (j << level < n && !has_cached(region, level, j)) {
		j++;
		while (j % 2 == 0 && level < height(region)) {
			j /= 2;
			level++;
		}
	}
	if (j << level >= n)
		return n;
	while (level > 0) {
		level--;
		j *= 2;
		if (!has_cached(region, level, j))
			j++;
	}
	return j;
}

/* --- laws ----------------------------------------------------------------- */

static void check_node(const struct region *region, enum slice_kind kind,
		       unsigned level, size_t j)
{
	if (!is_same(sum(region, kind, level, j),
		     node_at(region, kind, level, j)))
		message_abort("broken law: sum of %zu groups from %p",
			      (size_t)1 << level,
			      (void *)slice_address(
				      region, (j << level) * GROUP_SLICES));
}

void slice_tree_check(const struct region *region)
{
	size_t n = n_groups(region);
	for (size_t g = 0; g < n; g++) {
		const struct slice_group *group = &region->groups[g];
		unsigned level = (unsigned)__builtin_ctzll(g + 1) + 1;
		size_t j = (g + 1) >> level;
		if (group->longest_free != longest_of(group->free) ||
		    group->longest_hole != longest_of(group->hole))
			message_abort("broken law: longest runs of the group "
				      "at %p",
				      (void *)slice_address(region,
							    g * GROUP_SLICES));
		if (level > height(region))
			continue; /* the next root, when there are more */
		check_node(region, SLICES_FREE, level, j);
		check_node(region, SLICES_HOLE, level, j);
	}
}
