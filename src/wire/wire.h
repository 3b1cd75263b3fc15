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
#define WIRE_VERSION 2

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
	WIRE_STATS,	  /* where memory is */
	WIRE_WHO,	  /* who holds a block: once, before the next two */
	WIRE_STEP,	  /* of the way from a root to it, in that order */
	WIRE_REFERRER,	  /* a pointer to it, wherever it lies */
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
	WIRE_LIVE = 1 << 6, /* of a process that goes on: from a copy of it */
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
	uint64_t stopped_ns;   /* how long threads were stopped, at most */
	uint64_t traced_ns;    /* how long the trace took */
	/* Lost in the last look, not in all before: not reported. */
	uint64_t unconfirmed_blocks;
	uint64_t unconfirmed_bytes;
	uint64_t sample_bytes; /* sites sampled: one block in so many bytes */
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
	WIRE_REACHED,	  /* held; told only if asked for */
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
	uint64_t key;		 /* the same in all looks at a process */
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

struct wire_range {
	uint64_t start, end;
};

/* As struct tarn_stats of tarn.h. Tail: wire_ranges, all of tarn's memory. */
struct wire_stats {
	uint32_t pid;
	uint32_t flags; /* WIRE_SITES_... */
	uint64_t live_bytes;
	uint64_t rounding_bytes;
	uint64_t free_bytes;
	uint64_t magazine_bytes;
	uint64_t cached_bytes;
	uint64_t purged_bytes;
	uint64_t metadata_bytes;
	uint64_t mapped_bytes;
	uint64_t resident_bytes;
	uint64_t live_blocks;
	uint64_t large_blocks;
	uint64_t large_bytes;
	uint64_t pools;
	uint64_t heaps;
	uint64_t parked_heaps;
	uint64_t arenas;
};

enum wire_place {
	WIRE_IN_BLOCK,
	WIRE_IN_FREE, /* of the heap, but no live block */
	WIRE_NOT_IN_HEAP,
};

/* Tail: a name for its type, or nothing. */
struct wire_who {
	uint64_t asked;	  /* the address */
	uint32_t place;	  /* enum wire_place; if not a block, no more is told */
	uint32_t verdict; /* WIRE_REACHED, or why it is not */
	uint64_t block;
	uint64_t bytes;
	uint64_t n_referrers; /* how many, also if fewer are told */
	uint64_t n_steps;     /* of a long way the first and last are told */
	uint32_t site;
	uint32_t first_word_module;
	uint64_t first_word_address;
};

/* What holds a pointer. */
enum wire_holder {
	WIRE_BY_BLOCK,
	WIRE_BY_REGISTER,
	WIRE_BY_STACK,
	WIRE_BY_TLS,
	WIRE_BY_GLOBAL,
	WIRE_BY_REGION,	       /* registered as a root by the program */
	WIRE_BY_OTHER_MAPPING, /* that somebody mapped */
	WIRE_BY_IGNORED,       /* nothing: the program said it is no leak */
};

/*
 * A pointer, in a root or in a block; both WIRE_STEP and WIRE_REFERRER. Tail:
 * of a block, a name for its type; of a mapping, its name; or nothing.
 */
struct wire_pointer {
	uint32_t holder; /* enum wire_holder */
	uint32_t thread; /* of a register, a stack or TLS; 0: unknown */
	uint64_t at;	 /* where it stands; of a register 0 */
	uint64_t value;	 /* where it points */
	/* Of a global: where its module's file has it. */
	uint32_t module;
	/* Of a block. */
	uint32_t site;
	uint64_t address; /* of a global */
	uint64_t block;
	uint64_t bytes;
	uint32_t first_word_module;
	uint32_t unused;
	uint64_t first_word_address;
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
