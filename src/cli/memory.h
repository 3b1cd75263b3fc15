/*
 * memory: where every byte of a process is.
 *
 * Each mapping of one reading of /proc/PID/smaps, or each part of it, goes to
 * one place, so that
 *
 *	sum of places[].resident_bytes == resident_bytes (RSS)
 *	live + rounding + free + magazine + cached + metadata
 *		- untouched + uncounted - swapped == resident bytes of the heap
 *
 * The first line comes from the kernel alone; the parts of the heap are those
 * of its statistics, which were taken a moment before.
 */
#ifndef TARN_CLI_MEMORY_H
#define TARN_CLI_MEMORY_H

#include "cli/util.h"
#include "wire/wire.h"

#include <stdint.h>

enum memory_place {
	MEMORY_HEAP,	  /* tarn's, if its ranges are known */
	MEMORY_PROGRAM,	  /* the program's file and its data */
	MEMORY_LIBRARIES, /* other files with code, and their data */
	MEMORY_STACKS,
	MEMORY_ANONYMOUS, /* other mappings without a file; also the heap, if
			     its ranges are not known */
	MEMORY_SHARED,
	MEMORY_FILES, /* other files */
	N_MEMORY_PLACES,
};

struct memory_amount {
	uint64_t mapped_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
};

struct memory_map {
	struct memory_amount places[N_MEMORY_PLACES];
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t huge_bytes; /* hugetlbfs; not a part of RSS */
	bool has_heap;	     /* if not, what follows is 0 */
	struct wire_stats stats;
	/* Of what is in use by the statistics, never written to. */
	uint64_t untouched_bytes;
	/* The other way round: touched, but not in use by them. */
	uint64_t uncounted_bytes;
};

/* "heap", "libraries": for keys and for people. */
const char *memory_place_name(enum memory_place place);

/* What is there, for people: "their files and data". */
const char *memory_place_note(const struct memory_map *map,
			      enum memory_place place);

/* What the heap is used for, by its statistics. */
struct memory_part {
	const char *name;
	uint64_t bytes;
	const char *note;
};

#define MEMORY_PARTS 6

/* Their sum is that of the second line above. */
void memory_heap_parts(const struct memory_map *map,
		       struct memory_part parts[MEMORY_PARTS]);

/* The record WIRE_STATS of the report of LENGTH bytes at BYTES. */
bool memory_find_stats(const char *bytes, size_t length,
		       struct wire_record *stats);

/*
 * Reads the mappings of the process whose directory in /proc is DIRECTORY, a
 * descriptor. STATS is a record of it, or NULL. False with errno if that cannot
 * be; ESRCH: the process has ended, or has no memory.
 */
bool memory_read(int directory, const struct wire_record *stats,
		 struct memory_map *map);

#endif
