/*
 * leaky: a cache of outlines, each a small tree of nodes with counted
 * references.
 *
 * It leaks on purpose: run it under a leak tracer and see what that says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CHILDREN 4
#define N_CACHED 3

struct node {
	struct node *parent; /* NULL: a top node or a plain section */
	struct node *children[MAX_CHILDREN];
	int n_children;
	int n_references;
	char title[40];
};

static struct node *cache[N_CACHED];
static int n_made, n_freed;

static void *allocate(size_t size)
{
	void *block = calloc(1, size);
	if (block == NULL) {
		perror("leaky");
		exit(1);
	}
	return block;
}

/* The caller has the first reference to it. */
static struct node *node_new(const char *title)
{
	struct node *node = allocate(sizeof(*node));
	node->n_references = 1;
	snprintf(node->title, sizeof(node->title), "%s", title);
	n_made++;
	return node;
}

static struct node *node_refer(struct node *node)
{
	node->n_references++;
	return node;
}

/* The last reference frees the node, and drops those that it has. */
static void node_release(struct node *node)
{
	if (node == NULL || --node->n_references > 0)
		return;
	for (int i = 0; i < node->n_children; i++)
		node_release(node->children[i]);
	node_release(node->parent);
	free(node);
	n_freed++;
}

/* The parent takes over the caller's reference to the child. */
static void node_append(struct node *parent, struct node *child)
{
	parent->children[parent->n_children++] = child;
}

/* Makes the last child of OUTLINE a part of its section TO. */
static void outline_nest(struct node *outline, struct node *to)
{
	struct node *child = outline->children[--outline->n_children];
	node_append(to, child);
	child->parent = node_refer(to);
}

static struct node *outline_load(const char *title)
{
	static const char *const sections[] = {"start", "use", "reference"};
	struct node *outline = node_new(title);
	for (int i = 0; i < 3; i++)
		node_append(outline, node_new(sections[i]));
	return outline;
}

/* One line with the titles, for the caller to free. */
static char *outline_describe(const struct node *outline)
{
	char *line = allocate(256);
	strcpy(line, outline->title);
	for (int i = 0; i < outline->n_children; i++) {
		strcat(line, i == 0 ? ": " : ", ");
		strcat(line, outline->children[i]->title);
	}
	return line;
}

/* The cached outline with the longest line, for the caller to free. */
static char *cache_longest(void)
{
	char *longest = outline_describe(cache[0]);
	for (int i = 1; i < N_CACHED; i++) {
		char *line = outline_describe(cache[i]);
		if (strlen(line) > strlen(longest)) {
			longest = line;
			continue;
		}
		free(line);
	}
	return longest;
}

static void cache_put(int place, struct node *outline)
{
	node_release(cache[place]);
	cache[place] = outline;
}

int main(void)
{
	cache_put(0, outline_load("guide"));
	cache_put(1, outline_load("handbook"));
	cache_put(2, outline_load("tour"));

	char *longest = cache_longest();
	printf("longest outline is %s\n", longest);
	free(longest);

	outline_nest(cache[2], cache[2]->children[0]);
	outline_nest(cache[2], cache[2]->children[0]);
	cache_put(2, outline_load("longer tour"));

	for (int i = 0; i < N_CACHED; i++)
		cache_put(i, NULL);
	printf("%d nodes made, %d freed\n", n_made, n_freed);
	return 0;
}
