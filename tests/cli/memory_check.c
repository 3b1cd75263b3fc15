/*
 * memory_check: memory and limits against a /proc that is made up: mappings
 * that the kernel has merged, guards, swap, control groups of both versions.
 *
 * Works in an empty directory. This program stands for the one that is looked
 * at, so that the segments of a real file are there.
 */
#include "cli/limits.h"
#include "cli/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

/* Where the program is said to be, and the heap. */
#define PROGRAM UINT64_C(0x100000000)
#define HEAP UINT64_C(0x200000000)

static int n_failed;
static char in_bss[64 * 4096];

static void is(const char *what, uint64_t found, uint64_t expected)
{
	if (found == expected)
		return;
	printf("FAILED: %s\n  found:    %" PRIu64 "\n  expected: %" PRIu64 "\n",
	       what, found, expected);
	n_failed++;
}

static void put_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

/* What the segments of this program span. */
static uint64_t program_bytes(void)
{
	const Elf64_Phdr *segment = (void *)getauxval(AT_PHDR);
	uint64_t start = UINT64_MAX, end = 0;
	for (size_t i = 0; i < getauxval(AT_PHNUM); i++, segment++) {
		uint64_t to = segment->p_vaddr + segment->p_memsz;
		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_vaddr / PAGE * PAGE < start)
			start = segment->p_vaddr / PAGE * PAGE;
		if (to > end)
			end = to;
	}
	return (end + PAGE - 1) / PAGE * PAGE - start;
}

static FILE *smaps;

static void put(uint64_t start, uint64_t end, const char *rights,
		const char *path, uint64_t resident, uint64_t swapped)
{
	fprintf(smaps,
		"%08" PRIx64 "-%08" PRIx64 " %s %08x 00:00 0 %20s%s\n"
		"Size: %8" PRIu64 " kB\nRss: %8" PRIu64 " kB\nPss: 0 kB\n"
		"Swap: %8" PRIu64 " kB\nVmFlags: rd wr mr mw me ac\n",
		start, end, rights, rights[2] == 'x' ? 0x1000u : 0, "", path,
		(end - start) / KIB, resident / KIB, swapped / KIB);
}

/* Of the pages from START on N are in memory, then M on swap. */
static void put_pages(int pagemap, uint64_t start, int n, int m)
{
	for (int i = 0; i < n + m; i++) {
		uint64_t entry = UINT64_C(1) << (i < n ? 63 : 62);
		if (pwrite(pagemap, &entry, sizeof(entry),
			   (off_t)(start / PAGE + (uint64_t)i) * 8) !=
		    sizeof(entry))
			exit(1);
	}
}

static void make_mappings(const char *program)
{
	uint64_t end = PROGRAM + program_bytes();
	uint64_t bss = end - 60 * PAGE;
	int pagemap = open("pagemap", O_RDWR | O_CREAT, 0600);
	smaps = fopen("smaps", "w");
	if (!smaps || pagemap < 0 || symlink(program, "exe") != 0)
		exit(1);
	put(PROGRAM, PROGRAM + PAGE, "r--p", program, 4 * KIB, 0);
	put(PROGRAM + PAGE, bss, "r-xp", program, 8 * KIB, 0);
	/* .bss, and behind it what somebody has mapped. */
	put(bss, end + 10 * PAGE, "rw-p", "", 40 * KIB, 0);
	put_pages(pagemap, bss, 3, 0);
	put_pages(pagemap, end, 7, 0);
	/* Heap alone, more than one of its ranges. */
	put(HEAP, HEAP + 4 * MIB, "rw-p", "", 3 * MIB, 512 * KIB);
	/* A guard of the heap's own, and somebody's memory above it. */
	put(HEAP + 4 * MIB, HEAP + 4 * MIB + PAGE, "---p", "", 0, 0);
	put(HEAP + 4 * MIB + PAGE, HEAP + 5 * MIB, "rw-p", "", 64 * KIB, 0);
	/* Heap and, merged with it, something else. */
	put(HEAP + 8 * MIB, HEAP + 10 * MIB, "rw-p", "", 100 * KIB, 20 * KIB);
	put_pages(pagemap, HEAP + 8 * MIB, 20, 2);
	put_pages(pagemap, HEAP + 9 * MIB, 5, 3);
	/* Two stacks, and what a guard that is too large does not make one. */
	put(HEAP + 20 * MIB, HEAP + 20 * MIB + PAGE, "---p", "", 0, 0);
	put(HEAP + 20 * MIB + PAGE, HEAP + 28 * MIB, "rw-p", "", 128 * KIB, 0);
	put(HEAP + 30 * MIB, HEAP + 32 * MIB, "---p", "", 0, 0);
	put(HEAP + 32 * MIB, HEAP + 33 * MIB, "rw-p", "", 32 * KIB, 0);
	put(HEAP + 40 * MIB, HEAP + 41 * MIB, "r--p", "/l/libx.so (deleted)",
	    200 * KIB, 0);
	put(HEAP + 41 * MIB, HEAP + 42 * MIB, "r-xp", "/l/libx.so (deleted)",
	    300 * KIB, 0);
	put(HEAP + 43 * MIB, HEAP + 44 * MIB, "r--p", "/l/locale archive",
	    70 * KIB, 0);
	put(HEAP + 44 * MIB, HEAP + 45 * MIB, "rw-s", "/var/data", 24 * KIB, 0);
	put(HEAP + 45 * MIB, HEAP + 46 * MIB, "rw-s", "/memfd:x (deleted)",
	    28 * KIB, 0);
	put(HEAP + 46 * MIB, HEAP + 47 * MIB, "rw-s", "/dev/shm/y", 16 * KIB,
	    4 * KIB);
	put(HEAP + 50 * MIB, HEAP + 51 * MIB, "rw-p", "[stack]", 48 * KIB, 0);
	put(HEAP + 52 * MIB, HEAP + 53 * MIB, "r-xp", "[vdso]", 8 * KIB, 0);
	if (fclose(smaps) != 0 || close(pagemap) != 0)
		exit(1);
}

static void check_place(const struct memory_map *map, enum memory_place place,
			uint64_t resident, uint64_t swapped)
{
	char what[64];
	snprintf(what, sizeof(what), "resident, %s", memory_place_name(place));
	is(what, map->places[place].resident_bytes, resident);
	snprintf(what, sizeof(what), "swapped, %s", memory_place_name(place));
	is(what, map->places[place].swapped_bytes, swapped);
}

static void check_sums(const struct memory_map *map)
{
	uint64_t resident = 0, swapped = 0;
	for (int place = 0; place < N_MEMORY_PLACES; place++) {
		resident += map->places[place].resident_bytes;
		swapped += map->places[place].swapped_bytes;
	}
	is("the sum of what is resident", map->resident_bytes, resident);
	is("the sum of what is swapped", map->swapped_bytes, swapped);
}

static void check_memory(int directory)
{
	/* Neither sorted nor joined. */
	const struct wire_range ranges[] = {
		{HEAP + 8 * MIB, HEAP + 9 * MIB},
		{HEAP + 2 * MIB, HEAP + 4 * MIB + PAGE},
		{HEAP, HEAP + 2 * MIB},
		{HEAP + 60 * MIB, HEAP + 61 * MIB}, /* is mapped no more */
	};
	const struct wire_stats stats = {
		.live_bytes = 5 * MIB,
		.metadata_bytes = 40 * KIB,
		.purged_bytes = 64 * MIB,
	};
	const struct wire_record record = {
		.kind = WIRE_STATS,
		.fixed = &stats,
		.tail = (const char *)ranges,
		.tail_bytes = sizeof(ranges),
	};
	uint64_t heap = 3 * MIB + 80 * KIB, swapped = 512 * KIB + 8 * KIB;
	struct memory_map map;
	if (!memory_read(directory, &record, &map)) {
		is("memory_read", 0, 1);
		return;
	}
	check_place(&map, MEMORY_HEAP, heap, swapped);
	check_place(&map, MEMORY_PROGRAM, 24 * KIB, 0);
	check_place(&map, MEMORY_LIBRARIES, 508 * KIB, 0);
	check_place(&map, MEMORY_STACKS, 176 * KIB, 0);
	check_place(&map, MEMORY_ANONYMOUS, (28 + 64 + 20 + 32) * KIB,
		    12 * KIB);
	check_place(&map, MEMORY_SHARED, 44 * KIB, 4 * KIB);
	check_place(&map, MEMORY_FILES, 94 * KIB, 0);
	check_sums(&map);
	is("untouched", map.untouched_bytes,
	   5 * MIB + 40 * KIB - heap - swapped);
	is("uncounted", map.uncounted_bytes, 0);
	if (!memory_read(directory, NULL, &map))
		is("memory_read without statistics", 0, 1);
	check_sums(&map);
	check_place(&map, MEMORY_HEAP, 0, 0);
}

/* --- limits -------------------------------------------------------------- */

static void make_group(const char *path, const char *max, const char *high,
		       const char *used, const char *cache)
{
	char name[256], text[128];
	mkdir(path, 0700);
	snprintf(name, sizeof(name), "%s/memory.max", path);
	put_text(name, max);
	snprintf(name, sizeof(name), "%s/memory.high", path);
	put_text(name, high);
	snprintf(name, sizeof(name), "%s/memory.current", path);
	put_text(name, used);
	snprintf(name, sizeof(name), "%s/memory.stat", path);
	snprintf(text, sizeof(text),
		 "anon 7\ninactive_file %s\nactive_file 1\n", cache);
	put_text(name, text);
}

static void make_groups(const char *here)
{
	char text[2048];
	mkdir("proc", 0700);
	mkdir("proc/self", 0700);
	mkdir("v1", 0700);
	mkdir("v1/jobs", 0700);
	snprintf(text, sizeof(text),
		 "30 1 0:1 / /proc rw - proc proc rw\n"
		 "31 1 0:2 / %s/v1 rw shared:3 - cgroup cgroup rw,cpu,memory\n"
		 "32 1 0:3 /pod %s/v2 rw,relatime - cgroup2 cgroup2 rw\n",
		 here, here);
	put_text("proc/self/mountinfo", text);
	put_text("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\n"
				 "MemAvailable: 600 kB\n");
	put_text("limits",
		 "Limit                     Soft Limit           Hard Limit\n"
		 "Max data size             8192                 unlimited\n"
		 "Max address space         unlimited            unlimited\n");
	make_group("v2", "1000000\n", "max\n", "400000\n", "100000");
	make_group("v2/a", "max\n", "600000\n", "300000\n", "9");
	make_group("v2/a/b", "900000\n", "max\n", "10000\n", "0");
	put_text("v1/jobs/memory.limit_in_bytes", "5000000\n");
	put_text("v1/jobs/memory.usage_in_bytes", "3000000\n");
	put_text("v1/jobs/memory.stat",
		 "inactive_file 9\ntotal_inactive_file 1000\n"
		 "total_active_file 500\n");
}

static void check_limit(const struct limit *limit, uint64_t bytes,
			uint64_t used)
{
	is("the limit is set", limit->is_set, 1);
	is("the limit", limit->limit_bytes, bytes);
	is("used of it", limit->used_bytes, used);
}

static void check_limits(int directory)
{
	struct process process = {
		.directory = directory,
		.virtual_bytes = 1 << 20,
		.data_bytes = 8000,
	};
	struct arena arena = {0};
	struct limits limits;
	/* b has 890000 left, the mount's root 700001. */
	put_text("cgroup", "3:cpu:/x\n0::/pod/a/b\n");
	limits_read(&process, "proc", &arena, &limits);
	check_limit(&limits.limits[LIMIT_MAX], 1000000, 299999);
	check_limit(&limits.limits[LIMIT_HIGH], 600000, 299990);
	check_limit(&limits.limits[LIMIT_DATA], 8192, 8000);
	check_limit(&limits.limits[LIMIT_MACHINE], 1000 * KIB, 400 * KIB);
	is("RLIMIT_AS is unlimited", limits.limits[LIMIT_AS].is_set, 0);
	put_text("cgroup", "4:cpu,memory:/jobs\n0::/\n");
	limits_read(&process, "proc", &arena, &limits);
	check_limit(&limits.limits[LIMIT_MAX], 5000000, 2998500);
	is("memory.high of cgroup v1", limits.limits[LIMIT_HIGH].is_set, 0);
	/* Not below what is mounted, and not below our root. */
	put_text("cgroup", "0::/podium/a\n");
	limits_read(&process, "proc", &arena, &limits);
	is("a group elsewhere", limits.limits[LIMIT_MAX].is_set, 0);
	put_text("cgroup", "0::/../a\n");
	limits_read(&process, "proc", &arena, &limits);
	is("a group above us", limits.limits[LIMIT_MAX].is_set, 0);
	arena_free(&arena);
}

int main(void)
{
	char program[4096], here[1024];
	ssize_t length = readlink("/proc/self/exe", program, 4095);
	int directory = open(".", O_RDONLY | O_DIRECTORY);
	struct memory_map map;
	if (length <= 0 || !getcwd(here, sizeof(here)) || directory < 0)
		return 1;
	program[length] = '\0';
	memset(in_bss, 1, sizeof(in_bss));
	put_text("smaps", "");
	is("a process without memory", memory_read(directory, NULL, &map), 0);
	is("its error", (uint64_t)errno, ESRCH);
	make_mappings(program);
	check_memory(directory);
	make_groups(here);
	check_limits(directory);
	return n_failed != 0;
}
