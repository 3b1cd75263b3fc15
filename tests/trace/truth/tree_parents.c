/*
 * tree_parents: a tree of seven, whose nodes point to their parents, and each
 * leaf of which has a name.
 *
 * expect: cycle count=1 blocks=7 retained=11
 */
#include "truth.h"

struct branch {
	struct branch *parent, *left, *right;
	char *name;
};

static struct branch *grow(struct branch *parent, int depth)
{
	struct branch *branch = new_block(sizeof(*branch));
	branch->parent = parent;
	if (depth == 0) {
		branch->name = new_block(40);
		return branch;
	}
	branch->left = grow(branch, depth - 1);
	branch->right = grow(branch, depth - 1);
	return branch;
}

static void work(void)
{
	grow(NULL, 2);
}

int main(void)
{
	certainly(work);
	return 0;
}
