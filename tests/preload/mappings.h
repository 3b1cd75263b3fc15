/*
 * mappings: what tarn has mapped, learned not from tarn but from its calls.
 *
 * The program that includes this defines mmap, munmap and mremap itself, so
 * tarn's calls come here: each is noted, with where it came from, and passed to
 * the kernel. mappings_of() makes a list of ranges of what one object has
 * mapped and not unmapped. Nothing here allocates.
 */
#ifndef TARN_TESTS_MAPPINGS_H
#define TARN_TESTS_MAPPINGS_H

#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define INTERPOSED __attribute__((visibility("default")))

enum { CALLS_MAX = 20000, RANGES_MAX = 4000 };

struct range {
	uintptr_t start, end;
};

/* A call as it succeeded: what was taken away, then what came. */
struct mapping_call {
	const void *caller;
	struct range gone, come;
};

static struct mapping_call calls[CALLS_MAX];
/* Atomic, relaxed: a count. */
static int n_calls;

static struct range range_of(const void *start, size_t bytes)
{
	struct range range = {(uintptr_t)start, (uintptr_t)start + bytes};
	return range;
}

static inline void note_call(const void *caller, struct range gone,
			     struct range come)
{
	int i = __atomic_fetch_add(&n_calls, 1, __ATOMIC_RELAXED);
	if (i < CALLS_MAX)
		calls[i] = (struct mapping_call){caller, gone, come};
}

INTERPOSED void *mmap(void *at, size_t bytes, int protection, int flags, int fd,
		      off_t offset)
{
	long got = syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);
	struct range none = {0, 0};
	if (got != -1)
		note_call(__builtin_return_address(0), none,
			  range_of((void *)got, bytes));
	return (void *)got;
}

INTERPOSED int munmap(void *at, size_t bytes)
{
	long got = syscall(SYS_munmap, at, bytes);
	struct range none = {0, 0};
	if (got == 0)
		note_call(__builtin_return_address(0), range_of(at, bytes),
			  none);
	return (int)got;
}

INTERPOSED void *mremap(void *at, size_t bytes, size_t new_bytes, int flags,
			...)
{
	va_list list;
	va_start(list, flags);
	void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	long got = syscall(SYS_mremap, at, bytes, new_bytes, flags, to);
	if (got != -1)
		note_call(__builtin_return_address(0), range_of(at, bytes),
			  range_of((void *)got, new_bytes));
	return (void *)got;
}

struct ranges {
	struct range at[RANGES_MAX];
	int n;
};

static inline void ranges_add(struct ranges *ranges, struct range range)
{
	if (range.start != range.end && EXPECT(ranges->n < RANGES_MAX))
		ranges->at[ranges->n++] = range;
}

static inline void ranges_remove(struct ranges *ranges, struct range gone)
{
	for (int i = ranges->n - 1; i >= 0; i--) {
		struct range old = ranges->at[i];
		if (gone.end <= old.start || old.end <= gone.start)
			continue;
		ranges->at[i] = ranges->at[--ranges->n];
		if (old.start < gone.start)
			ranges_add(ranges,
				   (struct range){old.start, gone.start});
		if (gone.end < old.end)
			ranges_add(ranges, (struct range){gone.end, old.end});
	}
}

/* What the object at HOME (see expect_home_of) has mapped now. */
static inline void mappings_of(const void *home, struct ranges *ranges)
{
	ranges->n = 0;
	EXPECT(n_calls < CALLS_MAX);
	for (int i = 0; i < n_calls && i < CALLS_MAX; i++) {
		Dl_info object;
		if (dladdr(calls[i].caller, &object) == 0 ||
		    object.dli_fbase != home)
			continue;
		ranges_remove(ranges, calls[i].gone);
		ranges_remove(ranges, calls[i].come);
		ranges_add(ranges, calls[i].come);
	}
}

static inline size_t ranges_bytes(const struct ranges *ranges)
{
	size_t bytes = 0;
	for (int i = 0; i < ranges->n; i++)
		bytes += ranges->at[i].end - ranges->at[i].start;
	return bytes;
}

static inline size_t overlap(const struct ranges *ranges, struct range range)
{
	size_t bytes = 0;
	for (int i = 0; i < ranges->n; i++) {
		struct range mine = ranges->at[i];
		uintptr_t start =
			mine.start > range.start ? mine.start : range.start;
		uintptr_t end = mine.end < range.end ? mine.end : range.end;
		bytes += start < end ? end - start : 0;
	}
	return bytes;
}

/* How much of the ranges the kernel has mappings for: /proc/self/maps. */
static inline size_t ranges_mapped_bytes(const struct ranges *ranges)
{
	static char text[1 << 20];
	size_t length = 0, bytes = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY);
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	text[length] = '\0';
	for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		char *at = line;
		uintptr_t start = strtoul(at, &at, 16);
		uintptr_t end = strtoul(at + 1, &at, 16);
		bytes += overlap(ranges, (struct range){start, end});
	}
	return bytes;
}

/* How much of the ranges is in memory: bit 63 in /proc/self/pagemap. */
static inline size_t ranges_resident_bytes(const struct ranges *ranges)
{
	static uint64_t entries[8192];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	for (int i = 0; i < ranges->n; i++) {
		uintptr_t at = ranges->at[i].start / page;
		uintptr_t end = ranges->at[i].end / page;
		while (at < end) {
			size_t want = sizeof(entries);
			if (want > (end - at) * sizeof(*entries))
				want = (end - at) * sizeof(*entries);
			ssize_t n = pread(fd, entries, want,
					  (off_t)(at * sizeof(*entries)));
			if (!EXPECT(n > 0))
				break;
			size_t pages = (size_t)n / sizeof(*entries);
			for (size_t j = 0; j < pages; j++)
				bytes += (entries[j] >> 63) * page;
			at += pages;
		}
	}
	close(fd);
	return bytes;
}

#endif
