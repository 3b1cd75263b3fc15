/*
 * oracle: random graphs of blocks, and what the tracer must say of them.
 *
 * The model knows which pointers it has put where, and never reads a block. It
 * lies in libc's memory, and holds addresses only disguised, so that none of it
 * is a root. What must come out is computed from it by other methods than the
 * tracer's:
 *
 *	                oracle                          tracer
 *	what a word is  order of addresses              page map
 *	reached         breadth first, block by block   pools in a queue
 *	cycles          Kosaraju                        Tarjan
 *	dominators      Lengauer and Tarjan; small      common ancestors in
 *	                graphs by definition            topological order
 */
#ifndef TARN_TESTS_ORACLE_H
#define TARN_TESTS_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../stress/random.h"

#define NONE UINT32_MAX

/* --- the model -------------------------------------------------------- */

/* Where in its target a pointer points. */
enum pointer { TO_START, TO_TAG, TO_INSIDE, TO_END, N_POINTERS };

/* From a block, or, with NONE, from a root; to NONE if there was no room. */
struct edge {
	uint32_t from, to;
	uint32_t pointer;
	uint32_t offset; /* in the target, known once that has an address */
};

/* The main thread, one that lives on, and one that has ended. */
enum hand { BY_MAIN, BY_OTHER, BY_ENDED, N_HANDS };

struct model {
	uint32_t n_blocks;
	uint32_t *bytes;    /* as asked for, then as it may be used */
	uintptr_t *hidden;  /* addresses, disguised */
	uint32_t *in_order; /* blocks by address */
	bool *is_freed;
	uint8_t *hand;
	struct edge *edges;
	uint32_t n_edges, room_edges;
	/* Of every 256 pointers, so many are not TO_START. */
	uint32_t odd[N_POINTERS];
	uint32_t large_left;
	uintptr_t *roots;
	uint32_t n_roots;
};

/* Freed at the next give_all(); never NULL, all zero. */
void *take(size_t n, size_t bytes);
void give_all(void);

_Noreturn void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static inline uintptr_t address_of(const struct model *model, uint32_t block)
{
	return ~model->hidden[block];
}

/* The shapes: N blocks at most, with edges, roots and frees. */
void model_draw(struct model *model, struct random *random, uint32_t n);

/* Allocates the blocks and fills them, then frees those that are to be. */
void model_build(struct model *model, struct random *random);

/* Frees all that is left. */
void model_free(struct model *model);

/* The block that lies at ADDRESS; NONE if none begins there. */
uint32_t model_find(const struct model *model, uintptr_t address);

/* --- the answer ------------------------------------------------------- */

enum fate { FREED, HELD, POSSIBLE, LOST, N_FATES };

struct component {
	uint32_t dominator; /* NONE: none */
	uint32_t first;	    /* a block of it */
	uint64_t own_blocks, own_bytes;
	uint64_t blocks, bytes; /* retained */
	bool is_cycle, is_held;
};

struct answer {
	uint8_t *fate;
	uint64_t n[N_FATES], bytes[N_FATES];
	/* Of POSSIBLE blocks: what a pointer that counts points inside, or, if
	 * that does not, past its end. */
	bool *is_inside, *is_end;
	uint32_t *component_of; /* NONE if not LOST */
	struct component *components;
	uint32_t n_components;
};

void answer_find(struct answer *answer, const struct model *model);

/* A list for each of N things: items[first[i]] to items[first[i + 1]]. */
struct lists {
	uint32_t *first;
	uint32_t *items;
};

/* Of N lists, those with the numbers LIST[i] get ITEM[i]. */
struct lists lists_make(uint32_t n, const uint32_t *list, const uint32_t *item,
			uint32_t n_items);

/*
 * Sets the dominator of each of the components, of which edge i leads from
 * FROM[i] to TO[i], and none of them inside one.
 */
void dominators_find(struct answer *answer, const uint32_t *from,
		     const uint32_t *to, uint32_t n_edges);

#endif
