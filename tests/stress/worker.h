/*
 * worker: a set of live blocks, and random operations on it.
 *
 * Everything a worker does follows from its seed. It moves through phases, each
 * with its own range of sizes, its own order of freeing, and its own drift: the
 * set grows, shrinks or holds. What tarn gives is checked against the shadow on
 * the spot; a violation aborts. One thread owns a worker.
 */
#ifndef TARN_TESTS_WORKER_H
#define TARN_TESTS_WORKER_H

#include "random.h"
#include "shadow.h"

enum sizes {
	SIZES_TINY,   /* 0 to 128 */
	SIZES_SMALL,  /* 0 to 1 KiB: classes by table */
	SIZES_MEDIUM, /* to 32 KiB: classes by bit arithmetic */
	SIZES_EDGES,  /* around the ends of classes, slices and limits */
	SIZES_SLICES, /* around multiples of 64 KiB */
	SIZES_RUNS,   /* 1 to 16 slices */
	SIZES_LARGE,  /* 32 KiB to 48 MiB */
	SIZES_ZEROED, /* 8 to 64 KiB, half of them by calloc */
	SIZES_ANY,    /* 1 byte to 4 MiB, every doubling alike */
	N_SIZES
};

enum order { ORDER_RANDOM, ORDER_LIFO, ORDER_FIFO, N_ORDERS };

struct phase {
	uint64_t steps_left;
	/* Of a hundred steps, so many want to allocate. */
	unsigned allocate_percent;
	enum sizes sizes;
	enum order order;
};

struct worker {
	struct random random;
	struct phase phase;
	/* A ring of CAPACITY (a power of two) entries, oldest at HEAD. */
	struct shadow_block *blocks;
	size_t capacity;
	size_t head;
	size_t count;
	/* The sum of their usable sizes, and the most it may be. */
	size_t live_bytes;
	size_t max_bytes;
	/* A request may be refused if it would bring live_bytes past this. */
	size_t refusal_bytes;
	uint64_t n_refused;
	/* May do what concerns the whole process: purge, set options. */
	bool may_purge;
	/* May sleep, up to 50 ms at a time: others go on meanwhile. */
	bool may_nap;
};

/* MAX_BLOCKS is rounded up to a power of two. */
void worker_start(struct worker *worker, uint64_t seed, size_t max_blocks,
		  size_t max_bytes);

/* One random operation. */
void worker_step(struct worker *worker);

/* Puts a block that came from elsewhere into the set; false if it is full. */
bool worker_put(struct worker *worker, const struct shadow_block *block);

/* Takes a block out of the set, by the phase's order; false if it is empty. */
bool worker_take(struct worker *worker, struct shadow_block *block);

/* Checks all blocks, or frees them all in the phase's order. */
void worker_check(const struct worker *worker);
void worker_free_all(struct worker *worker);

/* Frees what the worker itself holds; its blocks must be gone. */
void worker_end(struct worker *worker);

/* Frees one block through one of the functions that may do it. */
void worker_free_block(struct random *random, const struct shadow_block *block);

#endif
