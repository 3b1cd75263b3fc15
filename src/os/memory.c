/*
 * memory: mmap and its family, each call in one place.
 */
#define _GNU_SOURCE
#include "os/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/attr.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

/* mincore(2) writes a byte a page; so many pages are asked for at once. */
#define MINCORE_PAGES 2048

size_t os_page_bytes(void)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static size_t page_bytes;
	size_t bytes = load_relaxed(&page_bytes);
	if (UNLIKELY(bytes == 0)) {
		bytes = (size_t)sysconf(_SC_PAGESIZE);
		store_relaxed(&page_bytes, bytes);
	}
	return bytes;
}

static void *map_or_null(size_t bytes, int protection)
{
	void *at = mmap(NULL, bytes, protection, ANONYMOUS, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

void *os_map_reserved(size_t bytes)
{
	return map_or_null(bytes, PROT_READ);
}

void *os_map(size_t bytes)
{
	return map_or_null(bytes, PROT_READ | PROT_WRITE);
}

enum os_map_result os_map_at(uintptr_t at, size_t bytes)
{
	void *got = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
			 ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (got == (void *)at)
		return OS_MAPPED;
	if (got == MAP_FAILED)
		return errno == EEXIST ? OS_TAKEN : OS_REFUSED;
	/* A kernel before 4.17 takes the address for a wish. */
	munmap(got, bytes);
	return OS_TAKEN;
}

bool os_unmap(uintptr_t at, size_t bytes)
{
	return munmap((void *)at, bytes) == 0;
}

bool os_make_writable(void *at, size_t bytes)
{
	return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool os_make_inaccessible(void *at, size_t bytes)
{
	return mprotect(at, bytes, PROT_NONE) == 0;
}

bool os_purge(uintptr_t at, size_t bytes)
{
	return madvise((void *)at, bytes, MADV_DONTNEED) == 0;
}

void os_populate(uintptr_t at, size_t bytes)
{
	/* Before Linux 5.14, or where memory is short: by faults, as always. */
	int saved_errno = errno;
	madvise((void *)at, bytes, MADV_POPULATE_WRITE);
	errno = saved_errno;
}

void os_prefer_huge_pages(uintptr_t at, size_t bytes)
{
	int saved_errno = errno;
	madvise((void *)at, bytes, MADV_HUGEPAGE);
	errno = saved_errno;
}

bool os_move(uintptr_t from, size_t old_bytes, uintptr_t to, size_t new_bytes)
{
	return mremap((void *)from, old_bytes, new_bytes,
		      MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == (void *)to;
}

size_t os_resident_bytes(uintptr_t at, size_t bytes)
{
	unsigned char in_memory[MINCORE_PAGES];
	size_t page = os_page_bytes(), resident = 0;
	while (bytes > 0) {
		size_t step = MINCORE_PAGES * page;
		if (step > bytes)
			step = bytes;
		if (mincore((void *)at, step, in_memory) == 0)
			for (size_t i = 0; i < step / page; i++)
				resident += (in_memory[i] & 1) * page;
		at += step;
		bytes -= step;
	}
	return resident;
}
