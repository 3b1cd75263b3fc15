/*
 * wire: the format of a report, from the library that traced to the command
 * that shows it.
 *
 * A report is a header and records, in the byte order of the machine. A record
 * is a head, one of the structs below, a tail whose length the head implies (a
 * name without a NUL, or frames) and zeros up to the next multiple of 8 bytes.
 * A reader skips kinds it does not know and refuses another version. The last
 * record is WIRE_END: without it the report was cut short.
 *
 * Everything that refers to code does so by module and by the address that the
 * module's file gives it, so that it stays true when the process is gone.
 */
#ifndef TARN_WIRE_WIRE_H
#define TARN_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC "tarnrep"
#define WIRE_VERSION 1

struct wire_header {
	char magic[8]; /* WIRE_MAGIC and its NUL */
	uint32_t version;
	uint32_t unused;
};

enum wire_kind {
	WIRE_PROCESS = 1, /* once, first */
	WIRE_MODULE,	  /* before what refers to it */
	WIRE_STACK,	  /* before what refers to it */
	WIRE_FINDING,	  /* largest retained first */
	WIRE_MEMBER,	  /* after its finding */
	WIRE_EDGE,	  /* after the members of its finding */
	WIRE_END,
};

struct wire_head {
	uint32_t kind;
	uint32_t bytes; /* of struct and tail */
};

/* What a report cannot be sure of, and what it left out. */
enum wire_process_flags {
	WIRE_THREADS_RAN = 1 << 0,	/* could not be stopped */
	WIRE_REGISTERS_UNSEEN = 1 << 1, /* of at least one thread */
	WIRE_SITES_SAMPLED = 1 << 2,
	WIRE_SITES_ALL = 1 << 3,
	WIRE_OUT_OF_MEMORY = 1 << 4, /* the trace gave up */
	WIRE_HAS_SUPPRESSED = 1 << 5,
};

/* Tail: the program's name. */
struct wire_process {
	uint32_t pid;
	uint32_t flags;
	uint32_t n_threads;
	uint32_t n_looks;
	uint64_t live_blocks; /* all of the heap */
	uint64_t live_bytes;
	uint64_t
		/* of them lost: roots, cycles, and what they hold */
		lost_blocks;
	uint64_t lost_bytes;
	uint64_t possible_blocks;
	uint64_t possible_bytes;
	uint64_t foreign_blocks;
	uint64_t foreign_bytes;
	uint64_t suppressed_blocks;
	uint64_t suppressed_bytes;
	uint64_t root_bytes;   /* scanned outside the heap */
	uint64_t heap_bytes;   /* scanned inside it */
	uint64_t unread_bytes; /* of mappings that could not be read */
	uint64_t stopped_ns;   /* how long threads were stopped */
	uint64_t traced_ns;    /* how long the trace took */
};

#define WIRE_BUILD_ID_BYTES 32

/* Tail: the path. Ids count from 1. */
struct wire_module {
	uint32_t id;
	uint32_t build_id_bytes; /* 0: it has none */
	uint64_t bias;	     /* what was added to the addresses of its file */
	uint64_t start, end; /* where it was mapped */
	uint8_t build_id[WIRE_BUILD_ID_BYTES];
};

/* Tail: frames, innermost first. Ids count from 1; site 0 is unknown. */
struct wire_stack {
	uint32_t site;
	uint32_t n_frames;
};

struct wire_frame {
	uint32_t module; /* 0: none, `address` is the process's own */
	uint32_t unused;
	uint64_t address; /* returned to; the call lies before it */
};

enum wire_verdict {
	WIRE_LOST = 1, /* one block that nothing points to */
	WIRE_CYCLE,    /* blocks that hold each other, and nothing else does */
	WIRE_INNER_CYCLE, /* a cycle that a lost block or another cycle holds */
	WIRE_SHARED,	  /* held by several of the above, retained by none */
	WIRE_POSSIBLE,	  /* see wire_basis */
	WIRE_FOREIGN,	  /* held only by memory that is no program's data */
};

/* Why a verdict is no more than possible. */
enum wire_basis {
	WIRE_BY_NOTHING,   /* nothing points to it */
	WIRE_BY_INTERIOR,  /* only pointers to its inside do */
	WIRE_BY_END,	   /* only pointers that are also the next block's */
	WIRE_BY_UNCERTAIN, /* only what may be a dead part of a stack */
	WIRE_BY_MAPPING,   /* only memory mapped by somebody else */
};

/*
 * A group of `count` equal components of lost blocks: same site, same shape.
 * Tail: a name for the type of the example, or nothing.
 *
 * The sum of `retained_bytes` over findings of lost blocks that have no owner
 * is lost_bytes; an inner cycle is usually retained by its owner.
 */
struct wire_finding {
	uint32_t id; /* from 1 */
	uint32_t verdict;
	uint32_t basis;
	uint32_t site;	    /* of the example's first block */
	uint32_t owner;	    /* the finding that retains it; 0: none */
	uint32_t n_members; /* WIRE_MEMBER records that follow */
	uint64_t count;
	uint64_t own_blocks; /* in the components themselves */
	uint64_t own_bytes;
	uint64_t retained_blocks; /* these and what only they hold */
	uint64_t retained_bytes;
	uint64_t largest_blocks; /* in the largest of the components */
};

#define WIRE_CONTENTS_BYTES 32

/*
 * A block of the example, the first ones of a large component. Tail: the name
 * of its type, if the process told (CPython does).
 */
struct wire_member {
	uint32_t finding;
	uint32_t index; /* from 0 */
	uint32_t site;
	uint32_t
		/* where the first word points; 0: no module */
		first_word_module;
	uint64_t first_word_address;
	uint64_t address;
	uint64_t bytes;
	uint32_t contents_bytes;
	uint32_t unused;
	uint8_t contents[WIRE_CONTENTS_BYTES];
};

/* A pointer in member `from` to member `to`. */
struct wire_edge {
	uint32_t finding;
	uint32_t from, to;
	uint32_t closes;    /* 1: without it the cycle would be open */
	uint64_t offset;    /* of the pointer in `from` */
	uint64_t to_offset; /* of where it points in `to` */
};

/* --- writing ------------------------------------------------------------- */

#define WIRE_BUFFER_BYTES 8192

struct wire_writer {
	int fd;
	bool has_failed; /* errno says why */
	size_t length;
	char buffer[WIRE_BUFFER_BYTES];
};

/* Starts a report into FD with its header. */
void wire_start(struct wire_writer *writer, int fd);

/* One record: FIXED of FIXED_BYTES, then TAIL of TAIL_BYTES. */
void wire_put(struct wire_writer *writer, enum wire_kind kind,
	      const void *fixed, size_t fixed_bytes, const void *tail,
	      size_t tail_bytes);

/* Ends the report; false if anything could not be written. */
bool wire_finish(struct wire_writer *writer);

/* --- reading ------------------------------------------------------------- */

struct wire_reader {
	const unsigned char *at;
	size_t left;
	bool is_complete; /* WIRE_END was read */
};

/* One record; the pointers are into what the reader was given. */
struct wire_record {
	enum wire_kind kind;
	const void *fixed; /* at a multiple of 8 bytes, if the report is */
	const char *tail;
	size_t tail_bytes;
};

enum wire_result {
	WIRE_OK,
	WIRE_NOT_A_REPORT,
	WIRE_OTHER_VERSION,
	WIRE_CUT_SHORT,
	WIRE_BROKEN,
};

/* Starts reading the LENGTH bytes at AT, which is aligned to 8 bytes. */
enum wire_result wire_open(struct wire_reader *reader, const void *at,
			   size_t length);

/*
 * The next record of a known kind, with a fixed part that is whole; WIRE_OK and
 * the kind WIRE_END at the end. Anything wrong ends the reading.
 */
enum wire_result wire_next(struct wire_reader *reader,
			   struct wire_record *record);

#endif
