/*
 * stats: where each byte is, and that the sum is what the kernel counts.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/lock.h"
#include "heap/registry.h"
#include "meta/store.h"
#include "os/memory.h"
#include "tarn.h"
#include "watch/stats.h"

#define MIB ((size_t)1 << 20)

static struct tarn_stats now(void)
{
	struct tarn_stats stats;
	cr_assert_eq(tarn_stats_get(&stats, sizeof(stats)), 0);
	return stats;
}

Test(stats, a_block_is_live_until_it_is_free)
{
	void *small = tarn_malloc(100), *large = tarn_malloc(3 * MIB + 1);
	struct tarn_stats with = now();
	cr_assert_eq(with.live_blocks, 2);
	cr_assert_eq(with.large_blocks, 1);
	cr_assert_eq(with.live_bytes + with.rounding_bytes,
		     112 + 3 * MIB + os_page_bytes());
	cr_assert_geq(with.live_bytes, 3 * MIB + 1);
	tarn_free(small);
	tarn_free(large);
	struct tarn_stats without = now();
	cr_assert_eq(without.live_blocks, 0);
	cr_assert_eq(without.live_bytes, 0);
	cr_assert_eq(without.rounding_bytes, 0);
	cr_assert_geq(without.cached_bytes, 3 * MIB);
}

Test(stats, what_is_purged_is_not_cached_nor_resident)
{
	char *large = tarn_malloc(16 * MIB);
	memset(large, 1, 16 * MIB);
	cr_assert_geq(now().resident_bytes, 16 * MIB);
	tarn_free(large);
	uint64_t before = now().purged_total_bytes;
	cr_assert_geq(tarn_purge(), 16 * MIB);
	struct tarn_stats after = now();
	cr_assert_eq(after.cached_bytes, 0);
	cr_assert_lt(after.resident_bytes, MIB);
	cr_assert_geq(after.purged_total_bytes, before + 16 * MIB);
}

Test(stats, free_blocks_at_hand_are_counted_as_such)
{
	void *block = tarn_malloc(64);
	uint64_t before = now().magazine_bytes;
	tarn_free(block);
	cr_assert_eq(now().magazine_bytes, before + 64);
}

/* What /proc/self/maps has of [from, to): bytes, and mappings with a name. */
struct mapped {
	uint64_t bytes;
	size_t n_named;
};

static struct mapped mapped_between(uintptr_t from, uintptr_t to)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	struct mapped sum = {0, 0};
	char line[512];
	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		cr_assert_eq(sscanf(line, "%lx-%lx", &start, &end), 2);
		start = start > from ? start : from;
		end = end < to ? end : to;
		if (start >= end)
			continue;
		sum.bytes += end - start;
		sum.n_named += strpbrk(line, "/[") != NULL;
	}
	fclose(maps);
	return sum;
}

struct sum {
	uint64_t told;
	uint64_t mapped;
};

static void add_bytes(void *context, uintptr_t at, size_t bytes)
{
	(void)at;
	*(size_t *)context += bytes;
}

static size_t array_bytes(void)
{
	size_t sum = 0;
	region_visit_arrays_locked(add_bytes, &sum);
	return sum;
}

static void add_mapping(void *context, uintptr_t at, size_t bytes)
{
	struct sum *sum = context;
	sum->told += bytes;
	sum->mapped += mapped_between(at, at + bytes).bytes;
}

/*
 * Each range is all mapped, none overlaps another, and the sum is mapped_bytes.
 */
Test(stats, the_mappings_are_the_kernels)
{
	struct sum sum = {0};
	void *blocks[200];
	for (size_t i = 0; i < 200; i++)
		blocks[i] = tarn_malloc(i * i * 20);
	for (size_t i = 0; i < 200; i += 2)
		tarn_free(blocks[i]);
	struct tarn_stats stats = now();
	registry_lock_all();
	stats_visit_mappings(add_mapping, &sum);
	registry_unlock_all();
	cr_assert_eq(sum.told, sum.mapped);
	cr_assert_eq(sum.told, stats.mapped_bytes);
	/* By chance libraries, and tarn's own arrays, lie among the region's
	 * addresses, which are not reserved. */
	uintptr_t end = slice_address(&regions[0], regions[0].n_slices_max);
	struct mapped mapped = mapped_between(regions[0].base, end);
	if (mapped.n_named == 0)
		cr_assert_eq(mapped.bytes,
			     sum.told - array_bytes() -
				     (store_size_locked().writable_bytes +
				      store_size_locked().guard_bytes));
}

Test(stats, a_shorter_struct_gets_what_it_knows_and_a_longer_one_zeros)
{
	struct {
		struct tarn_stats known;
		uint64_t newer[3];
	} longer;
	struct tarn_stats shorter;
	void *block = tarn_malloc(100 * MIB);
	memset(&longer, 0xff, sizeof(longer));
	memset(&shorter, 0xff, sizeof(shorter));
	cr_assert_eq(tarn_stats_get(&longer.known, sizeof(longer)), 0);
	cr_assert_eq(longer.known.live_bytes, 100 * MIB);
	cr_assert(longer.newer[0] == 0 && longer.newer[2] == 0);
	cr_assert_eq(tarn_stats_get(&shorter, sizeof(uint64_t)), 0);
	cr_assert_eq(shorter.live_bytes, 100 * MIB);
	cr_assert_eq(shorter.rounding_bytes, UINT64_MAX);
	tarn_free(block);
}

Test(stats, no_struct_is_an_error)
{
	struct tarn_stats stats;
	errno = 0;
	cr_assert_eq(tarn_stats_get(NULL, 100), -1);
	cr_assert_eq(errno, EINVAL);
	errno = 0;
	cr_assert_eq(tarn_stats_get(&stats, 0), -1);
	cr_assert_eq(errno, EINVAL);
}

static size_t print(enum tarn_format format, char *text, size_t size)
{
	int fd = memfd_create("stats", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(tarn_stats_print(fd, format), 0);
	ssize_t n = pread(fd, text, size - 1, 0);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	close(fd);
	return (size_t)n;
}

static unsigned count_lines(const char *text)
{
	unsigned n = 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

Test(stats, the_text_has_fewer_than_25_lines)
{
	char text[8192];
	size_t n = print(TARN_TEXT, text, sizeof(text));
	cr_assert_eq(strncmp(text, "tarn 0.1.0: ", 12), 0);
	cr_assert_lt(count_lines(text), 25);
	cr_assert_eq(text[n - 1], '\n');
}

Test(stats, the_json_is_one_line_with_every_field)
{
	char text[8192];
	size_t n = print(TARN_JSON, text, sizeof(text));
	cr_assert_eq(text[0], '{');
	cr_assert_eq(strcmp(text + n - 2, "}\n"), 0);
	cr_assert_eq(count_lines(text), 1);
	cr_assert_not_null(strstr(text, "\"live_bytes\":"));
	cr_assert_not_null(strstr(text, "\"purge_calls\":"));
}

Test(stats, the_xml_is_a_malloc_element)
{
	char text[8192];
	size_t n = print(TARN_XML, text, sizeof(text));
	cr_assert_eq(strncmp(text, "<malloc version=\"1\">", 20), 0);
	cr_assert_eq(strcmp(text + n - 10, "</malloc>\n"), 0);
}

Test(stats, no_such_format_and_no_such_file_are_errors)
{
	errno = 0;
	cr_assert_eq(tarn_stats_print(1, (enum tarn_format)17), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(tarn_stats_print(-1, TARN_TEXT), -1);
	cr_assert_eq(errno, EBADF);
}
