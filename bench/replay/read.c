/*
 * read: see read.h. Nothing here uses malloc, which is what is to be measured.
 */
#define _GNU_SOURCE
#include "replay/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char *file_name;

static _Noreturn void bad(const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", file_name, why);
	exit(2);
}

static void *map_memory(uint64_t bytes)
{
	void *memory = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		bad("no memory for it");
	return memory;
}

/* zlib's working memory, out of a mapping that is given back as a whole. */
struct arena {
	char *base;
	size_t used;
};
#define ARENA_BYTES (1 << 20)

static void *arena_alloc(void *arena, uInt n, uInt size)
{
	struct arena *from = arena;
	size_t bytes = ((size_t)n * size + 63) & ~(size_t)63;
	if (from->used + bytes > ARENA_BYTES)
		return NULL;
	from->used += bytes;
	return from->base + from->used - bytes;
}

static void arena_free(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static void inflate_all(const uint8_t *packed, size_t n_packed, uint8_t *bytes,
			size_t n_bytes)
{
	struct arena arena = {map_memory(ARENA_BYTES), 0};
	z_stream stream = {
		.zalloc = arena_alloc,
		.zfree = arena_free,
		.opaque = &arena,
		.next_in = (Bytef *)(uintptr_t)packed,
		.avail_in = (uInt)n_packed,
		.next_out = bytes,
		.avail_out = (uInt)n_bytes,
	};
	if (inflateInit(&stream) != Z_OK)
		bad("zlib does not start");
	int result = inflate(&stream, Z_FINISH);
	if (result != Z_STREAM_END || stream.avail_out != 0 ||
	    stream.avail_in != 0)
		bad(result == Z_BUF_ERROR ? "it is cut short"
					  : "it is damaged");
	munmap(arena.base, ARENA_BYTES);
}

/* -- operations ------------------------------------------------------------ */

struct reader {
	const uint8_t *at, *end;
	uint32_t thread;
};

static uint64_t take_number(struct reader *reader, uint64_t limit)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (reader->at == reader->end)
			bad("an operation is cut short");
		uint8_t byte = *reader->at++;
		value |= (uint64_t)(byte & 127) << shift;
		if (byte < 128) {
			if (value >= limit)
				bad("a number is out of range");
			return value;
		}
	}
	bad("a number is too long");
}

static struct operation take_operation(struct reader *reader,
				       const struct rec_header *header)
{
	struct operation operation = {0};

	if (reader->at == reader->end)
		bad("operations are missing");
	uint8_t first = *reader->at++;
	operation.kind = first & REC_KIND_MASK;
	if (operation.kind >= REC_KINDS || first > (REC_OTHER_THREAD | 7))
		bad("an operation is of no known kind");
	if (first & REC_OTHER_THREAD)
		reader->thread =
			(uint32_t)take_number(reader, header->n_threads);
	operation.block = (uint32_t)take_number(reader, header->n_blocks);
	if (operation.kind != REC_FREE)
		operation.size_bytes =
			(uint32_t)take_number(reader, REC_BYTES_MAX);
	if (operation.kind == REC_ALIGNED)
		operation.log2_align = (uint8_t)take_number(reader, 31);
	return operation;
}

/* What is known of a block while the operations are read. */
struct block_state {
	uint32_t n_operations;
	bool is_live;
};

static void follow_block(struct block_state *state, struct operation *operation)
{
	bool needs_live =
		operation->kind == REC_FREE || operation->kind == REC_REALLOC;
	if (state->is_live != needs_live)
		bad(needs_live ? "a block is freed that is not live"
			       : "a block is taken twice");
	state->is_live = operation->kind != REC_FREE;
	operation->turn = state->n_operations++;
}

/*
 * Two walks: the first counts each thread's operations and finds where threads
 * begin, the second puts them into the threads' arrays.
 */
static void count(struct recording *recording, const uint8_t *bytes)
{
	const struct rec_header *header = &recording->header;
	struct reader reader = {bytes, bytes + header->n_bytes, 0};

	for (uint64_t i = 0; i < header->n_operations; i++) {
		take_operation(&reader, header);
		recording->threads[reader.thread].n++;
	}
	struct operation *all = map_memory(header->n_operations * sizeof(*all));
	for (uint32_t t = 0; t < header->n_threads; t++) {
		recording->threads[t].operations = all;
		all += recording->threads[t].n;
		recording->threads[t].n = 0;
	}
}

static void lay_out(struct recording *recording, const uint8_t *bytes)
{
	const struct rec_header *header = &recording->header;
	struct reader reader = {bytes, bytes + header->n_bytes, 0};
	struct operation *last = NULL;
	struct block_state *states =
		map_memory(header->n_blocks * sizeof(*states));

	recording->last_size =
		map_memory(header->n_blocks * sizeof(*recording->last_size));
	for (uint64_t i = 0; i < header->n_operations; i++) {
		struct operation operation = take_operation(&reader, header);
		struct thread_part *part = &recording->threads[reader.thread];
		follow_block(&states[operation.block], &operation);
		recording->last_size[operation.block] = operation.size_bytes;
		/* A thread is started by who did what came before. */
		if (part->n == 0 && reader.thread != 0) {
			if (last == NULL || last->starts != 0)
				bad("threads do not begin one after another");
			last->starts = (uint16_t)(reader.thread + 1);
		}
		last = &part->operations[part->n++];
		*last = operation;
	}
	for (uint64_t b = 0; b < header->n_blocks; b++)
		if (!states[b].is_live)
			recording->last_size[b] = 0;
	munmap(states, header->n_blocks * sizeof(*states));
}

static const uint8_t *map_file(const char *name, size_t *n_bytes)
{
	struct stat stat;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) != 0)
		bad(strerror(errno));
	if (stat.st_size <= (off_t)sizeof(struct rec_header))
		bad("it is too short for a recording");
	*n_bytes = (size_t)stat.st_size;
	void *map = mmap(NULL, *n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		bad(strerror(errno));
	return map;
}

static void check_header(const struct rec_header *header)
{
	if (memcmp(header->magic, REC_MAGIC, sizeof(REC_MAGIC)) != 0)
		bad("it is not a recording");
	if (header->version != REC_VERSION)
		bad("it is of another version");
	if (header->crc != crc32(0, (const Bytef *)header,
				 offsetof(struct rec_header, crc)) ||
	    header->n_threads == 0 || header->n_threads > REC_THREADS_MAX ||
	    header->n_blocks == 0 || header->n_blocks > REC_BLOCKS_MAX ||
	    header->n_operations == 0 || header->n_bytes > UINT32_MAX ||
	    header->n_operations > header->n_bytes)
		bad("its header is damaged");
}

void read_recording(const char *name, uint64_t limit,
		    struct recording *recording)
{
	size_t n_file;

	file_name = name;
	const uint8_t *file = map_file(name, &n_file);
	memcpy(&recording->header, file, sizeof(recording->header));
	check_header(&recording->header);
	uint64_t n_bytes = recording->header.n_bytes;
	uint8_t *bytes = map_memory(n_bytes);
	inflate_all(file + sizeof(recording->header),
		    n_file - sizeof(recording->header), bytes, n_bytes);
	munmap((void *)(uintptr_t)file, n_file);
	if (recording->header.n_operations > limit)
		recording->header.n_operations = limit;
	count(recording, bytes);
	lay_out(recording, bytes);
	munmap(bytes, n_bytes);
}
