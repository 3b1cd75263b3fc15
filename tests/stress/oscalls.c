/*
 * oscalls: the wrapped calls, the plan, and the set of mapped ranges.
 *
 * Locks: `lock` guards everything here; no call is made under it but the
 * kernel's.
 */
#define _GNU_SOURCE
#include "oscalls.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "os/memory.h"

#define MAX_RANGES 4096

/* By libc's names, as others would see them. */
int __real_munmap(void *at, size_t bytes);
int __real_madvise(void *at, size_t bytes, int advice);
void *__real_mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...);
int __wrap_munmap(void *at, size_t bytes);
int __wrap_madvise(void *at, size_t bytes, int advice);
void *__wrap_mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...);

/* Those that nobody sees, where they are made. */
void *__real_os_map(size_t bytes);
enum os_map_result __real_os_map_at(uintptr_t at, size_t bytes);
bool __real_os_unmap_own(uintptr_t at, size_t bytes);
bool __real_os_make_inaccessible(void *at, size_t bytes);
void *__wrap_os_map(size_t bytes);
enum os_map_result __wrap_os_map_at(uintptr_t at, size_t bytes);
bool __wrap_os_unmap_own(uintptr_t at, size_t bytes);
bool __wrap_os_make_inaccessible(void *at, size_t bytes);

struct range {
	uintptr_t start;
	uintptr_t end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	bool is_read;
	unsigned kinds;
	unsigned long from;
	unsigned long count;
	unsigned long made;
	unsigned long failed;
} plan;
/* In no order, none overlapping another. */
static struct range ranges[MAX_RANGES];
static size_t n_ranges;

static void read_plan(void)
{
	const char *text = getenv(OSCALLS_PLAN);
	plan.is_read = true;
	if (text != NULL && sscanf(text, "%u:%lu:%lu", &plan.kinds, &plan.from,
				   &plan.count) != 3)
		abort();
}

/* Counts a call; true, with errno set, if it is to fail. */
static bool call_fails(unsigned kind)
{
	if (!plan.is_read)
		read_plan();
	if (!(plan.kinds & kind))
		return false;
	plan.made++;
	if (plan.made < plan.from || plan.made - plan.from >= plan.count)
		return false;
	plan.failed++;
	errno = ENOMEM;
	return true;
}

static void note_mapped(uintptr_t start, uintptr_t end)
{
	if (n_ranges == MAX_RANGES)
		abort();
	if (start < end)
		ranges[n_ranges++] = (struct range){start, end};
}

static void note_unmapped(uintptr_t start, uintptr_t end)
{
	for (size_t i = 0; i < n_ranges; i++) {
		struct range range = ranges[i];
		if (range.end <= start || range.start >= end)
			continue;
		ranges[i--] = ranges[--n_ranges];
		if (range.start < start)
			note_mapped(range.start, start);
		if (range.end > end)
			note_mapped(end, range.end);
	}
}

static uintptr_t page_up(uintptr_t n)
{
	uintptr_t page = (uintptr_t)getpagesize();
	return (n + page - 1) & ~(page - 1);
}

/* The kernel put a mapping at AT, whatever was there before. */
static void note_placed(void *at, size_t bytes)
{
	uintptr_t end = (uintptr_t)at + page_up(bytes);
	note_unmapped((uintptr_t)at, end);
	note_mapped((uintptr_t)at, end);
}

void *__wrap_os_map(size_t bytes)
{
	pthread_mutex_lock(&lock);
	void *got = call_fails(OSCALL_MMAP) ? NULL : __real_os_map(bytes);
	if (got != NULL)
		note_placed(got, bytes);
	pthread_mutex_unlock(&lock);
	return got;
}

enum os_map_result __wrap_os_map_at(uintptr_t at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	enum os_map_result result = OS_REFUSED;
	if (!call_fails(OSCALL_MMAP))
		result = __real_os_map_at(at, bytes);
	if (result == OS_MAPPED)
		note_placed((void *)at, bytes);
	pthread_mutex_unlock(&lock);
	return result;
}

/* The kernel does not refuse to take back what was just mapped: that splits no
 * mapping that was not two before. */
bool __wrap_os_unmap_own(uintptr_t at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	bool unmapped = __real_os_unmap_own(at, bytes);
	if (unmapped)
		note_unmapped(at, at + page_up(bytes));
	pthread_mutex_unlock(&lock);
	return unmapped;
}

int __wrap_munmap(void *at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	int result = -1;
	if (!call_fails(OSCALL_MUNMAP))
		result = __real_munmap(at, bytes);
	if (result == 0)
		note_unmapped((uintptr_t)at, (uintptr_t)at + page_up(bytes));
	pthread_mutex_unlock(&lock);
	return result;
}

int __wrap_madvise(void *at, size_t bytes, int advice)
{
	pthread_mutex_lock(&lock);
	int result = -1;
	if (!call_fails(OSCALL_MADVISE))
		result = __real_madvise(at, bytes, advice);
	pthread_mutex_unlock(&lock);
	return result;
}

void *__wrap_mremap(void *at, size_t bytes, size_t new_bytes, int flags, ...)
{
	va_list list;
	va_start(list, flags);
	void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
	va_end(list);
	pthread_mutex_lock(&lock);
	void *got = MAP_FAILED;
	if (!call_fails(OSCALL_MREMAP))
		got = __real_mremap(at, bytes, new_bytes, flags, to);
	if (got != MAP_FAILED) {
		note_unmapped((uintptr_t)at, (uintptr_t)at + page_up(bytes));
		note_placed(got, new_bytes);
	}
	pthread_mutex_unlock(&lock);
	return got;
}

bool __wrap_os_make_inaccessible(void *at, size_t bytes)
{
	pthread_mutex_lock(&lock);
	bool done = !call_fails(OSCALL_MPROTECT) &&
		    __real_os_make_inaccessible(at, bytes);
	pthread_mutex_unlock(&lock);
	return done;
}

unsigned long oscalls_made(void)
{
	pthread_mutex_lock(&lock);
	unsigned long made = plan.made;
	pthread_mutex_unlock(&lock);
	return made;
}

unsigned long oscalls_failed(void)
{
	pthread_mutex_lock(&lock);
	unsigned long failed = plan.failed;
	pthread_mutex_unlock(&lock);
	return failed;
}

void oscalls_relent(void)
{
	pthread_mutex_lock(&lock);
	plan.count = 0;
	pthread_mutex_unlock(&lock);
}

size_t oscalls_mapped_bytes(void)
{
	size_t bytes = 0;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_ranges; i++)
		bytes += ranges[i].end - ranges[i].start;
	pthread_mutex_unlock(&lock);
	return bytes;
}
