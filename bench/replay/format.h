/*
 * format: recordings of a program's calls to malloc.
 *
 * The recorder writes raw records, as they happen, into a file mapped to
 * memory: a struct raw_header and then struct raw_record, in the order of the
 * calls. What it has written is there however the program ends.
 *
 * `pack` makes the compact form of it: a struct rec_header and then a zlib
 * stream of operations. Addresses have become numbers of blocks, used again
 * when free. An operation is a byte and then numbers in LEB128 (7 bits a byte,
 * lowest first):
 *
 * 	bits 0-2   enum rec_kind
 * 	bit 3      the thread is another than before: its number follows
 * 	           the number of the block
 * 	           bytes asked for, unless it is a free
 * 	           log2 of the alignment, if it is REC_ALIGNED
 *
 * Numbers in headers and raw records are of the machine's byte order, little on
 * all that tarn runs on; a reader on another sees a version it does not know.
 */
#ifndef BENCH_REPLAY_FORMAT_H
#define BENCH_REPLAY_FORMAT_H

#include <stdint.h>

enum rec_kind {
	REC_MALLOC,
	REC_CALLOC,
	REC_REALLOC,
	REC_FREE,
	REC_ALIGNED,
	REC_KINDS,
};

#define REC_KIND_MASK 7
#define REC_OTHER_THREAD 8

#define RAW_MAGIC "tarnraw"
#define REC_MAGIC "tarnrec"
#define REC_VERSION 1

#define REC_THREADS_MAX 4096
#define REC_BLOCKS_MAX (1u << 28)
#define REC_BYTES_MAX ((uint64_t)1 << 32)

struct raw_header {
	char magic[8];
	uint32_t version;
	uint32_t unused;
	uint64_t n_records;
	uint64_t n_room;
};

struct raw_record {
	uint8_t kind;
	uint8_t log2_align;
	uint16_t thread;
	uint32_t unused;
	uint64_t size_bytes;
	uint64_t address;     /* what was returned, or freed */
	uint64_t old_address; /* what realloc was given */
};

struct rec_header {
	char magic[8];
	uint32_t version;
	uint32_t n_threads;
	uint64_t n_operations;
	uint64_t n_blocks; /* live at a time, at most */
	uint64_t n_bytes;  /* of the operations, inflated */
	uint64_t peak_live_bytes;
	char program[56]; /* what was recorded, for people */
	uint64_t crc;	  /* crc32 of all that stands above it */
};

#endif
