/*
 * memory: from the kernel's list of mappings to places.
 *
 *	mapping of /proc/PID/smaps         | place
 *	-----------------------------------|-----------------------------------
 *	a file of which a part has code    | program or libraries
 *	shared, anonymous or in memory     | shared
 *	another file                       | files
 *	private, no file:  heap's ranges   | heap
 *	  .bss behind a file with code     | program or libraries
 *	  above a guard, or so named       | stacks
 *	  else                             | anonymous
 *
 * The kernel merges neighbours, so that a mapping without a file may belong to
 * several places. It is cut where their ranges end, and its pages are counted
 * in /proc/PID/pagemap.
 */
#include "cli/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Larger ones lie between what is no stack: V8 and glibc's arenas do that. */
#define GUARD_BYTES_MAX ((uint64_t)64 << 10)

/* Segments of a file that are looked at. */
#define MAX_SEGMENTS 64

struct mapping {
	uint64_t start, end, offset;
	uint64_t resident_bytes, swapped_bytes, huge_bytes;
	const char *path; /* "" without one */
	char rights[5];
	bool has_guards; /* lightweight ones within it */
	bool has_code;	 /* of its file some part */
};

/* A part of the address space that is known to belong to PLACE. */
struct range {
	uint64_t start, end;
	enum memory_place place;
};

struct reading {
	struct arena arena;
	struct memory_map *map;
	int directory;
	int pagemap; /* -1: cannot be read */
	uint64_t page_bytes;
	char program[PATH_MAX]; /* "": unknown */
	size_t n_mappings;
	struct mapping *mappings;
	size_t n_ranges;
	struct range *ranges; /* sorted, disjoint */
};

const char *memory_place_name(enum memory_place place)
{
	static const char *const names[N_MEMORY_PLACES] = {
		[MEMORY_HEAP] = "heap",		  [MEMORY_PROGRAM] = "program",
		[MEMORY_LIBRARIES] = "libraries", [MEMORY_STACKS] = "stacks",
		[MEMORY_ANONYMOUS] = "anonymous", [MEMORY_SHARED] = "shared",
		[MEMORY_FILES] = "files",
	};
	return names[place];
}

const char *memory_place_note(const struct memory_map *map,
			      enum memory_place place)
{
	switch (place) {
	case MEMORY_HEAP:
		return "blocks of malloc";
	case MEMORY_PROGRAM:
		return "its file and data";
	case MEMORY_LIBRARIES:
		return "their files and data";
	case MEMORY_STACKS:
		return "of threads";
	case MEMORY_ANONYMOUS:
		return map->has_heap ? "other mappings without a file"
				     : "without a file: the heap, others";
	case MEMORY_SHARED:
		return "with other processes";
	default:
		return "mapped, without code";
	}
}

void memory_heap_parts(const struct memory_map *map,
		       struct memory_part parts[MEMORY_PARTS])
{
	const struct wire_stats *stats = &map->stats;
	const struct memory_part all[MEMORY_PARTS] = {
		{"live", stats->live_bytes, "asked for"},
		{"rounding", stats->rounding_bytes,
		 "what that was rounded up by"},
		{"free in pools", stats->free_bytes,
		 "fragmentation: between live blocks"},
		{"in magazines", stats->magazine_bytes,
		 "free, at hand for the threads"},
		{"cached", stats->cached_bytes, "freed, and soon given back"},
		{"metadata", stats->metadata_bytes, "tarn's own"},
	};
	memcpy(parts, all, sizeof(all));
}

bool memory_find_stats(const char *bytes, size_t length,
		       struct wire_record *stats)
{
	struct wire_reader reader;
	if (wire_open(&reader, bytes, length) != WIRE_OK)
		return false;
	while (wire_next(&reader, stats) == WIRE_OK &&
	       stats->kind != WIRE_END) {
		if (stats->kind == WIRE_STATS)
			return true;
	}
	return false;
}

/* --- /proc/PID/smaps ----------------------------------------------------- */

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0      [heap]" */
static void add_mapping(struct reading *reading, const char *line)
{
	struct mapping mapping = {.path = ""};
	int path_at = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n",
		   &mapping.start, &mapping.end, mapping.rights,
		   &mapping.offset, &path_at) != 4)
		return;
	if (path_at > 0)
		mapping.path = arena_text(&reading->arena, line + path_at,
					  strlen(line + path_at));
	reading->mappings =
		arena_grow(&reading->arena, reading->mappings,
			   reading->n_mappings, sizeof(*reading->mappings));
	reading->mappings[reading->n_mappings++] = mapping;
}

/* "Rss:                 132 kB" */
static void add_field(struct mapping *mapping, const char *line)
{
	const char *value = strchr(line, ':') + 1;
	uint64_t bytes = strtoull(value, NULL, 10) << 10;
	if (starts_with(line, "Rss:"))
		mapping->resident_bytes = bytes;
	else if (starts_with(line, "Swap:"))
		mapping->swapped_bytes = bytes;
	else if (starts_with(line, "Private_Hugetlb:") ||
		 starts_with(line, "Shared_Hugetlb:"))
		mapping->huge_bytes += bytes;
	else if (starts_with(line, "VmFlags:"))
		mapping->has_guards = strstr(value, " gu") != NULL;
}

/* Fields have a capital first, mappings a hexadecimal digit. */
static void parse(struct reading *reading, char *text)
{
	char *line;
	while ((line = strsep(&text, "\n"))) {
		if (*line < 'A' || *line > 'Z')
			add_mapping(reading, line);
		else if (reading->n_mappings > 0 && strchr(line, ':'))
			add_field(&reading->mappings[reading->n_mappings - 1],
				  line);
	}
}

static bool read_mappings(struct reading *reading)
{
	size_t length;
	char *text = text_of_file(reading->directory, "smaps", &length);
	if (!text)
		return false;
	parse(reading, text);
	free(text);
	errno = ESRCH;
	return reading->n_mappings > 0;
}

static bool is_file(const struct mapping *mapping)
{
	return mapping->path[0] == '/' && mapping->rights[3] != 's';
}

/* Marks every mapping of a file of which one is executable. */
static void find_code(struct reading *reading)
{
	struct mapping *mappings = reading->mappings;
	const char **paths = NULL;
	size_t n_paths = 0;
	for (size_t i = 0; i < reading->n_mappings; i++) {
		if (!is_file(&mappings[i]) || mappings[i].rights[2] != 'x' ||
		    (n_paths > 0 &&
		     strcmp(paths[n_paths - 1], mappings[i].path) == 0))
			continue;
		paths = arena_grow(&reading->arena, paths, n_paths,
				   sizeof(*paths));
		paths[n_paths++] = mappings[i].path;
	}
	for (size_t i = 0; i < reading->n_mappings; i++) {
		struct mapping *before = i > 0 ? &mappings[i - 1] : NULL;
		if (!is_file(&mappings[i]))
			continue;
		if (before && strcmp(before->path, mappings[i].path) == 0) {
			mappings[i].has_code = before->has_code;
			continue;
		}
		for (size_t k = 0; k < n_paths && !mappings[i].has_code; k++)
			mappings[i].has_code =
				strcmp(paths[k], mappings[i].path) == 0;
	}
}

/* --- ranges -------------------------------------------------------------- */

static void add_range(struct reading *reading, uint64_t start, uint64_t end,
		      enum memory_place place)
{
	if (start >= end)
		return;
	reading->ranges =
		arena_grow(&reading->arena, reading->ranges, reading->n_ranges,
			   sizeof(*reading->ranges));
	reading->ranges[reading->n_ranges++] =
		(struct range){start, end, place};
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sorts them, cuts what overlaps, and joins neighbours. */
static void settle_ranges(struct reading *reading)
{
	struct range *ranges = reading->ranges;
	size_t n = 0;
	if (reading->n_ranges == 0)
		return;
	qsort(ranges, reading->n_ranges, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < reading->n_ranges; i++) {
		struct range range = ranges[i];
		if (n > 0 && range.start < ranges[n - 1].end)
			range.start = ranges[n - 1].end;
		if (range.start >= range.end)
			continue;
		if (n > 0 && range.start == ranges[n - 1].end &&
		    range.place == ranges[n - 1].place)
			ranges[n - 1].end = range.end;
		else
			ranges[n++] = range;
	}
	reading->n_ranges = n;
}

static void add_heap(struct reading *reading, const struct wire_record *stats)
{
	size_t n = stats->tail_bytes / sizeof(struct wire_range);
	for (size_t i = 0; i < n; i++) {
		struct wire_range range;
		memcpy(&range, stats->tail + i * sizeof(range), sizeof(range));
		add_range(reading, range.start, range.end, MEMORY_HEAP);
	}
}

static enum memory_place place_of_file(const struct reading *reading,
				       const struct mapping *mapping)
{
	if (!mapping->has_code)
		return MEMORY_FILES;
	return strcmp(mapping->path, reading->program) == 0 ? MEMORY_PROGRAM
							    : MEMORY_LIBRARIES;
}

/*
 * How far the segments of the file reach from the start of the first; 0 if that
 * cannot be read. Both headers are those of our own class: others are not read.
 */
static uint64_t length_of_segments(int fd, uint64_t page_bytes)
{
	Elf64_Ehdr header;
	Elf64_Phdr segments[MAX_SEGMENTS];
	uint64_t start = UINT64_MAX, end = 0;
	size_t bytes;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_phentsize != sizeof(segments[0]) ||
	    header.e_phnum > MAX_SEGMENTS)
		return 0;
	bytes = header.e_phnum * sizeof(segments[0]);
	if (pread(fd, segments, bytes, (off_t)header.e_phoff) != (ssize_t)bytes)
		return 0;
	for (size_t i = 0; i < header.e_phnum; i++) {
		const Elf64_Phdr *segment = &segments[i];
		uint64_t from = segment->p_vaddr & ~(page_bytes - 1);
		uint64_t to = segment->p_vaddr + segment->p_memsz;
		if (segment->p_type != PT_LOAD || to < from)
			continue;
		start = from < start ? from : start;
		end = to > end ? to : end;
	}
	end = (end + page_bytes - 1) & ~(page_bytes - 1);
	return start < end ? end - start : 0;
}

/* The .bss of a program or library is anonymous, and behind its file. */
static void add_bss(struct reading *reading, const struct mapping *mapping)
{
	char name[64];
	uint64_t length;
	int fd;
	if (!mapping->has_code || mapping->offset != 0)
		return;
	if (place_of_file(reading, mapping) == MEMORY_PROGRAM) {
		fd = openat(reading->directory, "exe", FILE_FLAGS);
	} else {
		snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
			 mapping->start, mapping->end);
		fd = openat(reading->directory, name, FILE_FLAGS);
	}
	if (fd < 0)
		fd = file_inside(reading->directory, mapping->path);
	if (fd < 0)
		return;
	length = length_of_segments(fd, reading->page_bytes);
	close(fd);
	add_range(reading, mapping->start, mapping->start + length,
		  place_of_file(reading, mapping));
}

/* --- to places ----------------------------------------------------------- */

static void add_amount(struct reading *reading, enum memory_place place,
		       struct memory_amount amount)
{
	struct memory_amount *sum = &reading->map->places[place];
	sum->mapped_bytes += amount.mapped_bytes;
	sum->resident_bytes += amount.resident_bytes;
	sum->swapped_bytes += amount.swapped_bytes;
}

#define PAGE_PRESENT ((uint64_t)1 << 63)
#define PAGE_SWAPPED ((uint64_t)1 << 62)

/* The pages between START and END that are in memory and on swap. */
static struct memory_amount count_pages(const struct reading *reading,
					uint64_t start, uint64_t end)
{
	struct memory_amount amount = {.mapped_bytes = end - start};
	uint64_t entries[4096];
	while (start < end) {
		size_t wanted = (end - start) / reading->page_bytes;
		ssize_t got;
		wanted = wanted < 4096 ? wanted : 4096;
		got = pread(reading->pagemap, entries,
			    wanted * sizeof(entries[0]),
			    (off_t)(start / reading->page_bytes *
				    sizeof(entries[0])));
		if (got < (ssize_t)sizeof(entries[0]))
			break;
		got /= sizeof(entries[0]);
		for (ssize_t i = 0; i < got; i++) {
			if (entries[i] & PAGE_PRESENT)
				amount.resident_bytes += reading->page_bytes;
			else if (entries[i] & PAGE_SWAPPED)
				amount.swapped_bytes += reading->page_bytes;
		}
		start += (uint64_t)got * reading->page_bytes;
	}
	return amount;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Takes from LEFT, what is not yet counted of a mapping, the part between START
 * and END. The pages may have come and gone since smaps was read, and a page of
 * zeros is one for pagemap alone: LEFT is the bound.
 */
static void cut(struct reading *reading, struct memory_amount *left,
		uint64_t start, uint64_t end, enum memory_place place)
{
	struct memory_amount part = *left;
	if (end - start < left->mapped_bytes && reading->pagemap >= 0) {
		part = count_pages(reading, start, end);
	} else if (end - start < left->mapped_bytes) {
		double share =
			(double)(end - start) / (double)left->mapped_bytes;
		part.mapped_bytes = end - start;
		part.resident_bytes =
			(uint64_t)((double)left->resident_bytes * share);
		part.swapped_bytes =
			(uint64_t)((double)left->swapped_bytes * share);
	}
	part.resident_bytes = least(part.resident_bytes, left->resident_bytes);
	part.swapped_bytes = least(part.swapped_bytes, left->swapped_bytes);
	left->mapped_bytes -= part.mapped_bytes;
	left->resident_bytes -= part.resident_bytes;
	left->swapped_bytes -= part.swapped_bytes;
	add_amount(reading, place, part);
}

/* The heap has guards of its own, and what is above them is no stack. */
static bool is_guard(const struct reading *reading,
		     const struct mapping *mapping)
{
	if (mapping->path[0] || strncmp(mapping->rights, "---p", 4) != 0 ||
	    mapping->end - mapping->start > GUARD_BYTES_MAX)
		return false;
	for (size_t i = 0; i < reading->n_ranges; i++) {
		if (reading->ranges[i].start < mapping->end &&
		    mapping->end <= reading->ranges[i].end)
			return false;
	}
	return true;
}

static bool is_stack(const struct reading *reading, size_t i)
{
	const struct mapping *mapping = &reading->mappings[i];
	const struct mapping *before = i > 0 ? mapping - 1 : NULL;
	if (starts_with(mapping->path, "[stack") ||
	    starts_with(mapping->path, "[anon: glibc: pthread stack"))
		return true;
	if (mapping->path[0] || mapping->rights[1] != 'w')
		return false;
	return mapping->has_guards || (before && is_guard(reading, before) &&
				       before->end == mapping->start);
}

/* Files that are memory, and no files of a disk. */
static bool is_memory_file(const char *path)
{
	return path[0] != '/' || starts_with(path, "/dev/shm/") ||
	       starts_with(path, "/memfd:") || starts_with(path, "/SYSV") ||
	       starts_with(path, "/dev/zero");
}

/* Where all of it goes that is in none of the ranges. */
static enum memory_place place_of(const struct reading *reading, size_t i)
{
	const struct mapping *mapping = &reading->mappings[i];
	if (mapping->rights[3] == 's')
		return is_memory_file(mapping->path) ? MEMORY_SHARED
						     : MEMORY_FILES;
	if (mapping->path[0] == '/')
		return place_of_file(reading, mapping);
	if (is_stack(reading, i))
		return MEMORY_STACKS;
	if (starts_with(mapping->path, "[v")) /* vdso, vvar, vsyscall */
		return MEMORY_LIBRARIES;
	return MEMORY_ANONYMOUS;
}

/* RANGE: the first that ends behind the mapping's start. */
static void share_out(struct reading *reading, size_t i, size_t range)
{
	const struct mapping *mapping = &reading->mappings[i];
	struct memory_amount left = {
		mapping->end - mapping->start,
		mapping->resident_bytes,
		mapping->swapped_bytes,
	};
	reading->map->resident_bytes += mapping->resident_bytes;
	reading->map->swapped_bytes += mapping->swapped_bytes;
	reading->map->huge_bytes += mapping->huge_bytes;
	for (; mapping->path[0] != '/' && range < reading->n_ranges; range++) {
		const struct range *at = &reading->ranges[range];
		uint64_t start =
			at->start > mapping->start ? at->start : mapping->start;
		if (start >= mapping->end)
			break;
		cut(reading, &left, start, least(at->end, mapping->end),
		    at->place);
	}
	add_amount(reading, place_of(reading, i), left);
}

static void share_out_all(struct reading *reading)
{
	size_t range = 0;
	for (size_t i = 0; i < reading->n_mappings; i++) {
		while (range < reading->n_ranges &&
		       reading->ranges[range].end <= reading->mappings[i].start)
			range++;
		share_out(reading, i, range);
	}
}

/* What the statistics say is in use, against what the kernel has of it. */
static void compare(struct memory_map *map, const struct wire_record *stats)
{
	const struct memory_amount *heap = &map->places[MEMORY_HEAP];
	struct wire_stats *s = &map->stats;
	memcpy(s, stats->fixed, sizeof(*s));
	uint64_t used = s->live_bytes + s->rounding_bytes + s->free_bytes +
			s->magazine_bytes + s->cached_bytes + s->metadata_bytes;
	uint64_t there = heap->resident_bytes + heap->swapped_bytes;
	map->has_heap = true;
	if (used > there)
		map->untouched_bytes = used - there;
	else
		map->uncounted_bytes = there - used;
}

bool memory_read(int directory, const struct wire_record *stats,
		 struct memory_map *map)
{
	struct reading reading = {
		.map = map,
		.directory = directory,
		.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	bool is_read;
	ssize_t length = readlinkat(directory, "exe", reading.program,
				    sizeof(reading.program) - 1);
	reading.program[length > 0 ? length : 0] = '\0';
	*map = (struct memory_map){0};
	is_read = read_mappings(&reading);
	if (is_read) {
		find_code(&reading);
		if (stats)
			add_heap(&reading, stats);
		for (size_t i = 0; i < reading.n_mappings; i++)
			add_bss(&reading, &reading.mappings[i]);
		settle_ranges(&reading);
		reading.pagemap =
			openat(directory, "pagemap", O_RDONLY | O_CLOEXEC);
		share_out_all(&reading);
		if (reading.pagemap >= 0)
			close(reading.pagemap);
		if (stats)
			compare(map, stats);
	}
	int error = errno;
	arena_free(&reading.arena);
	errno = error;
	return is_read;
}
