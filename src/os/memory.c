/*
 * memory: mmap and its family, each call in one place.
 */
#define _GNU_SOURCE
#include "os/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/arith.h"
#include "base/syscall.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define PAGE_BYTES_MIN ((size_t)4 << 10)
#define PAGE_BYTES_MAX ((size_t)64 << 10)

/* mincore(2) writes a byte a page; so many pages are asked for at once. */
#define MINCORE_PAGES 2048

/* --- quiet ---------------------------------------------------------------- */

/* The address, or a negative error number. */
static long map(uintptr_t at, size_t bytes, int protection, int flags)
{
	return os_syscall(SYS_mmap, (long)at, (long)bytes, protection, flags,
			  -1, 0);
}

static long advise(uintptr_t at, size_t bytes, int advice)
{
	return os_syscall(SYS_madvise, (long)at, (long)bytes, advice, 0, 0, 0);
}

static bool is_error(long result)
{
	return (unsigned long)result > -(unsigned long)PAGE_BYTES_MIN;
}

/* The smallest multiple that the kernel takes for an address of pages; what it
 * is asked to do with none of them is nothing. */
static size_t find_page_bytes(void)
{
	size_t bytes = PAGE_BYTES_MIN;
	while (bytes < PAGE_BYTES_MAX &&
	       advise(PAGE_BYTES_MAX + bytes, 0, MADV_NORMAL) == -EINVAL)
		bytes *= 2;
	return bytes;
}

size_t os_page_bytes_known;

COLD size_t os_find_page_bytes(void)
{
	size_t bytes = find_page_bytes();
	store_relaxed(&os_page_bytes_known, bytes);
	return bytes;
}

static void *map_or_null(size_t bytes, int protection)
{
	long at = map(0, bytes, protection, ANONYMOUS);
	return is_error(at) ? NULL : (void *)at;
}

void *os_map_reserved(size_t bytes)
{
	return map_or_null(bytes, PROT_READ);
}

void *os_map(size_t bytes)
{
	return map_or_null(bytes, PROT_READ | PROT_WRITE);
}

/* 0, or a negative error number. */
static long map_at(uintptr_t at, size_t bytes, int protection)
{
	long got = map(at, bytes, protection, ANONYMOUS | MAP_FIXED_NOREPLACE);
	if (is_error(got))
		return got;
	if ((uintptr_t)got == at)
		return 0;
	/* A kernel before 4.17 takes the address for a wish. */
	os_unmap_own((uintptr_t)got, bytes);
	return -EEXIST;
}

enum os_map_result os_map_at(uintptr_t at, size_t bytes)
{
	long result = map_at(at, bytes, PROT_READ | PROT_WRITE);
	if (result == 0)
		return OS_MAPPED;
	return result == -EEXIST ? OS_TAKEN : OS_REFUSED;
}

/* True if the kernel says so when something is in the way. */
static bool tells_what_is_taken(void)
{
	static const char something;
	size_t page = os_page_bytes();
	return map(round_down((uintptr_t)&something, page), page, PROT_NONE,
		   ANONYMOUS | MAP_FIXED_NOREPLACE) == -EEXIST;
}

/*
 * Under a limit nothing can be mapped to see; but the kernel looks at limits
 * after it has looked for what is in the way.
 */
bool os_is_vacant(uintptr_t at, size_t bytes)
{
	if (!tells_what_is_taken())
		return false;
	long result = map_at(at, bytes, PROT_NONE);
	if (result == 0)
		os_unmap_own(at, bytes);
	return result == 0 || result == -ENOMEM || result == -EAGAIN;
}

bool os_is_mapped(uintptr_t at)
{
	unsigned char in_memory;
	return os_syscall(SYS_mincore, (long)at, (long)os_page_bytes(),
			  (long)&in_memory, 0, 0, 0) != -ENOMEM;
}

/* What is locked cannot be given back. */
bool os_is_locked(uintptr_t at)
{
	return advise(at, os_page_bytes(), MADV_DONTNEED) == -EINVAL;
}

static bool protect(void *at, size_t bytes, int protection)
{
	return os_syscall(SYS_mprotect, (long)at, (long)bytes, protection, 0, 0,
			  0) == 0;
}

bool os_make_writable(void *at, size_t bytes)
{
	return protect(at, bytes, PROT_READ | PROT_WRITE);
}

bool os_make_inaccessible(void *at, size_t bytes)
{
	return protect(at, bytes, PROT_NONE);
}

bool os_unmap_own(uintptr_t at, size_t bytes)
{
	return os_syscall(SYS_munmap, (long)at, (long)bytes, 0, 0, 0, 0) == 0;
}

bool os_purge_own(uintptr_t at, size_t bytes)
{
	return advise(at, bytes, MADV_DONTNEED) == 0;
}

void os_populate(uintptr_t at, size_t bytes)
{
	/* Before Linux 5.14, or where memory is short: by faults, as always. */
	advise(at, bytes, MADV_POPULATE_WRITE);
}

void os_prefer_huge_pages(uintptr_t at, size_t bytes)
{
	advise(at, bytes, MADV_HUGEPAGE);
}

size_t os_resident_bytes(uintptr_t at, size_t bytes)
{
	unsigned char in_memory[MINCORE_PAGES];
	size_t page = os_page_bytes(), resident = 0;
	while (bytes > 0) {
		size_t step = min_size(bytes, MINCORE_PAGES * page);
		if (os_syscall(SYS_mincore, (long)at, (long)step,
			       (long)in_memory, 0, 0, 0) == 0)
			for (size_t i = 0; i < step / page; i++)
				resident += (in_memory[i] & 1) * page;
		at += step;
		bytes -= step;
	}
	return resident;
}

/* --- loud ----------------------------------------------------------------- */

bool os_unmap(uintptr_t at, size_t bytes)
{
	return munmap((void *)at, bytes) == 0;
}

/* Locked pages go by a call of their own, since Linux 5.18. */
bool os_purge(uintptr_t at, size_t bytes)
{
	return madvise((void *)at, bytes, MADV_DONTNEED) == 0 ||
	       (errno == EINVAL &&
		madvise((void *)at, bytes, MADV_DONTNEED_LOCKED) == 0);
}

bool os_move(uintptr_t from, size_t old_bytes, uintptr_t to, size_t new_bytes)
{
	return mremap((void *)from, old_bytes, new_bytes,
		      MREMAP_MAYMOVE | MREMAP_FIXED, (void *)to) == (void *)to;
}
