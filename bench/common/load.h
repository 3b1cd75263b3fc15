/*
 * load: what the workloads of the suite share: parameters, random numbers,
 * clocks, checked blocks, and the lines that bench/run reads.
 *
 * A workload is a program that calls the malloc it finds. It is started as
 *
 * 	WORKLOAD name=value ...
 *
 * and prints, on stdout, lines of these forms:
 *
 * 	metric NAME VALUE      one figure of this run
 * 	point SERIES X Y       a point of a curve
 * 	check HEX              a sum over the work, the same on every malloc
 *
 * Nothing here allocates, so that what is measured is the workload's alone.
 */
#ifndef BENCH_COMMON_LOAD_H
#define BENCH_COMMON_LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* -- parameters ------------------------------------------------------------ */

/*
 * Name and default are given; load_start puts the caller's value in its place.
 */
struct param {
	const char *name;
	uint64_t *value;
	const char *help;
};

/*
 * Reads name=value arguments: decimal, with K, M or G for powers of 1024. With
 * --help, or an argument that is not known, prints PURPOSE and the parameters
 * and exits with 0 or 2.
 */
void load_start(int argc, char **argv, const char *purpose,
		const struct param *params, size_t n_params);

/* Prints `check`, flushes, and returns main's status. */
int load_end(void);

/* -- figures --------------------------------------------------------------- */

void load_metric(const char *name, double value);
void load_point(const char *series, double x, double y);

/* Folds a result of the work into what load_end prints. From one thread. */
void load_check(uint64_t result);

/*
 * Times WORK: once unmeasured, then N_TIMES, and prints the median of what a
 * time took, in nanoseconds for each of the operations that it returns, as
 * metric NAME. PREPARE, unless NULL, is called before each time, untimed.
 */
void load_repeat(const char *name, unsigned n_times, void (*prepare)(void),
		 uint64_t (*work)(void));

/*
 * The same by processor time, for work of one thread: it bears it better when
 * others take the processor for a moment.
 */
void load_repeat_alone(const char *name, unsigned n_times,
		       void (*prepare)(void), uint64_t (*work)(void));

uint64_t load_now_ns(void); /* monotonic */
uint64_t load_cpu_ns(void); /* of all threads of this process */
double load_median(double *values, size_t n_values); /* sorts them */

/* Pages in memory, in bytes: the second figure of /proc/self/statm. */
uint64_t load_resident_bytes(void);
/* Anonymous pages only, for ratios of resident to live bytes. */
uint64_t load_anonymous_bytes(void);

/* -- random numbers -------------------------------------------------------- */

/* The same sequence on every machine: splitmix64. */
struct random {
	uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0 to LIMIT - 1, for a LIMIT below 2^32. */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
	return ((random_next(random) >> 32) * limit) >> 32;
}

/* -- blocks ---------------------------------------------------------------- */

/* Ends the run with a message: a workload never goes on with a wrong result. */
_Noreturn void load_fail(const char *what);

/* A block whose first and last byte carry its size, as a check. */
static inline char *block_take(size_t size_bytes)
{
	char *block = malloc(size_bytes);
	if (block == NULL)
		load_fail("malloc gave no memory");
	block[0] = (char)size_bytes;
	block[size_bytes - 1] = (char)size_bytes;
	return block;
}

static inline void block_give(char *block, size_t size_bytes)
{
	if (block[0] != (char)size_bytes ||
	    block[size_bytes - 1] != (char)size_bytes)
		load_fail("a block has lost its contents");
	free(block);
}

/* Writes a byte of each page. */
static inline void block_touch(char *block, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i += 4096)
		((volatile char *)block)[i] = (char)size_bytes;
}

/* -- threads --------------------------------------------------------------- */

/*
 * Calls WORK(argument, i) in N_THREADS threads at once, i from 0: all are
 * started before the first begins. Returns nanoseconds from the first begin to
 * the last end.
 */
uint64_t load_threads(unsigned n_threads,
		      void (*work)(void *argument, unsigned i), void *argument);

#endif
