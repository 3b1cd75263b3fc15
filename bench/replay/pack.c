/*
 * pack: makes the compact form of what the recorder wrote (see format.h).
 *
 * 	pack RAW OUT PROGRAM
 *
 * Blocks that were taken before the recording began are left out. A realloc
 * that moved a block keeps its number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "replay/format.h"

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "pack: %s: %s\n", what, why);
	exit(2);
}

static void *take(size_t n, size_t size)
{
	void *taken = calloc(n, size);
	if (taken == NULL)
		die("memory", strerror(ENOMEM));
	return taken;
}

/* -- addresses of live blocks: a hash table with open addressing ----------- */

struct entry {
	uint64_t address; /* 0: empty */
	uint32_t number;
	uint64_t size_bytes;
};

static struct entry *entries;
static size_t entries_mask;

static size_t home_of(uint64_t address)
{
	return (address * 0x9e3779b97f4a7c15u >> 20) & entries_mask;
}

static struct entry *find(uint64_t address)
{
	size_t i = home_of(address);
	while (entries[i].address != address && entries[i].address != 0)
		i = (i + 1) & entries_mask;
	return &entries[i];
}

/* What stood behind it moves up, so that no search ends too early. */
static void remove_entry(struct entry *entry)
{
	size_t hole = (size_t)(entry - entries), i = hole;
	for (;;) {
		i = (i + 1) & entries_mask;
		if (entries[i].address == 0)
			break;
		size_t home = home_of(entries[i].address);
		if (((i - home) & entries_mask) >=
		    ((i - hole) & entries_mask)) {
			entries[hole] = entries[i];
			hole = i;
		}
	}
	entries[hole].address = 0;
}

/* -- numbers of blocks ----------------------------------------------------- */

static uint32_t *free_numbers;
static size_t n_free_numbers;
static uint32_t n_numbers;
static uint64_t live_bytes, peak_live_bytes;

static struct entry *add_block(uint64_t address, uint64_t size_bytes)
{
	struct entry *entry = find(address);
	entry->address = address;
	entry->number = n_free_numbers > 0 ? free_numbers[--n_free_numbers]
					   : n_numbers++;
	entry->size_bytes = size_bytes;
	live_bytes += size_bytes;
	if (live_bytes > peak_live_bytes)
		peak_live_bytes = live_bytes;
	return entry;
}

static void forget_block(struct entry *entry)
{
	live_bytes -= entry->size_bytes;
	free_numbers[n_free_numbers++] = entry->number;
	remove_entry(entry);
}

/* -- operations ------------------------------------------------------------ */

static uint8_t *out;
static size_t n_out;
static uint64_t n_operations;
static uint32_t last_thread, n_threads = 1;

static void put_number(uint64_t value)
{
	while (value >= 128) {
		out[n_out++] = (uint8_t)(value | 128);
		value >>= 7;
	}
	out[n_out++] = (uint8_t)value;
}

static void put(enum rec_kind kind, const struct raw_record *raw,
		uint32_t number)
{
	bool is_other = raw->thread != last_thread;
	out[n_out++] = (uint8_t)(kind | (is_other ? REC_OTHER_THREAD : 0));
	if (is_other)
		put_number(raw->thread);
	put_number(number);
	if (kind != REC_FREE)
		put_number(raw->size_bytes);
	if (kind == REC_ALIGNED)
		put_number(raw->log2_align);
	last_thread = raw->thread;
	if (raw->thread >= n_threads)
		n_threads = raw->thread + 1u;
	n_operations++;
}

static void put_free(const struct raw_record *raw, uint64_t address)
{
	struct entry *entry = find(address);
	if (entry->address == 0)
		return;
	put(REC_FREE, raw, entry->number);
	forget_block(entry);
}

static void put_new(enum rec_kind kind, const struct raw_record *raw)
{
	if (raw->address != 0 && find(raw->address)->address == 0)
		put(kind, raw,
		    add_block(raw->address, raw->size_bytes)->number);
}

static void put_realloc(const struct raw_record *raw)
{
	struct entry *old = find(raw->old_address);
	if (raw->old_address == 0 || old->address == 0) {
		put_new(REC_MALLOC, raw);
	} else if (raw->address == 0) {
		/* Size 0 frees; any other means that there was no memory. */
		if (raw->size_bytes == 0)
			put_free(raw, raw->old_address);
	} else if (raw->address == raw->old_address ||
		   find(raw->address)->address == 0) {
		put(REC_REALLOC, raw, old->number);
		forget_block(old);
		/* Has the number that was just given back. */
		add_block(raw->address, raw->size_bytes);
	}
}

static void put_record(const struct raw_record *raw)
{
	switch ((enum rec_kind)raw->kind) {
	case REC_FREE:
		put_free(raw, raw->address);
		break;
	case REC_REALLOC:
		put_realloc(raw);
		break;
	case REC_MALLOC:
	case REC_CALLOC:
	case REC_ALIGNED:
		put_new((enum rec_kind)raw->kind, raw);
		break;
	case REC_KINDS:
	default:
		die("raw record", "of no known kind");
	}
}

/* -- files ----------------------------------------------------------------- */

static void prepare(uint64_t n_records)
{
	size_t n_entries = 1024;
	while (n_entries < 2 * n_records)
		n_entries *= 2;
	entries = take(n_entries, sizeof(*entries));
	entries_mask = n_entries - 1;
	free_numbers = take(n_records + 1, sizeof(*free_numbers));
	/* The kind and at most four numbers. */
	out = take(n_records + 1, 1 + 4 * 10);
}

static void read_raw(const char *name)
{
	struct raw_header header;
	struct raw_record raw;
	FILE *file = fopen(name, "rb");

	if (file == NULL)
		die(name, strerror(errno));
	if (fread(&header, sizeof(header), 1, file) != 1 ||
	    memcmp(header.magic, RAW_MAGIC, sizeof(RAW_MAGIC)) != 0 ||
	    header.version != REC_VERSION || header.n_records > header.n_room)
		die(name, "not written by the recorder");
	prepare(header.n_records);
	for (uint64_t i = 0; i < header.n_records; i++) {
		if (fread(&raw, sizeof(raw), 1, file) != 1)
			die(name, "it is cut short");
		if (raw.size_bytes < REC_BYTES_MAX &&
		    raw.thread < REC_THREADS_MAX)
			put_record(&raw);
	}
	fclose(file);
}

static void write_packed(const char *name, const char *program)
{
	struct rec_header header = {
		.magic = REC_MAGIC,
		.version = REC_VERSION,
		.n_threads = n_threads,
		.n_operations = n_operations,
		.n_blocks = n_numbers,
		.n_bytes = n_out,
		.peak_live_bytes = peak_live_bytes,
	};
	uLongf n_packed = compressBound(n_out);
	uint8_t *packed = take(n_packed, 1);
	FILE *file = fopen(name, "wb");

	strncpy(header.program, program, sizeof(header.program) - 1);
	header.crc = crc32(0, (const Bytef *)&header,
			   offsetof(struct rec_header, crc));
	if (file == NULL)
		die(name, strerror(errno));
	if (compress2(packed, &n_packed, out, n_out, 9) != Z_OK)
		die(name, "zlib cannot compress it");
	if (fwrite(&header, sizeof(header), 1, file) != 1 ||
	    fwrite(packed, n_packed, 1, file) != 1 || fclose(file) != 0)
		die(name, strerror(errno));
	printf("%s: %" PRIu64
	       " operations, %u threads, %u blocks, peak %" PRIu64
	       " KiB, %lu bytes packed\n",
	       name, n_operations, n_threads, n_numbers, peak_live_bytes >> 10,
	       (unsigned long)n_packed);
	free(packed);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: pack RAW OUT PROGRAM\n", stderr);
		return 2;
	}
	read_raw(argv[1]);
	if (n_operations == 0)
		die(argv[1], "there is no operation in it");
	write_packed(argv[2], argv[3]);
	return 0;
}
