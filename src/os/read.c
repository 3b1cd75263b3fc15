/*
 * read: process_vm_readv on ourselves, guided by /proc/thread-self/pagemap.
 */
#define _GNU_SOURCE
#include "os/read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arith.h"
#include "base/message.h"
#include "base/syscall.h"
#include "os/memory.h"
#include "os/scan.h"

/* What /proc/self/pagemap says of a page. */
#define PAGE_IS_PRESENT (UINT64_C(1) << 63)
#define PAGE_IS_SWAPPED (UINT64_C(1) << 62)
#define PAGE_IS_OF_FILE (UINT64_C(1) << 61)
#define PAGES_AT_ONCE 512

static long open_pagemap(uint32_t process)
{
	char path[64] = "/proc/self/pagemap";
	if (process != 0)
		message_format(path, sizeof(path), "/proc/%u/pagemap", process);
	return os_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

void os_reader_begin(struct os_reader *reader, uint32_t original)
{
	reader->original = original;
	reader->cannot_copy = false;
	reader->cannot_list = false;
	reader->pagemap_fd = open_pagemap(0);
	reader->shared_fd =
		original == 0 ? reader->pagemap_fd : open_pagemap(original);
}

void os_reader_end(struct os_reader *reader)
{
	if (reader->shared_fd >= 0 && reader->shared_fd != reader->pagemap_fd)
		os_syscall(SYS_close, reader->shared_fd);
	if (reader->pagemap_fd >= 0)
		os_syscall(SYS_close, reader->pagemap_fd);
}

static long pagemap_for(const struct os_reader *reader, enum os_pages which)
{
	return which == OS_PAGES_SHARED || which == OS_PAGES_ORIGINAL
		       ? reader->shared_fd
		       : reader->pagemap_fd;
}

static long copy_from(long process, uintptr_t at, void *to, size_t bytes)
{
	struct iovec local = {to, bytes};
	struct iovec remote = {(void *)at, bytes};
	return os_syscall(SYS_process_vm_readv, process, &local, 1, &remote, 1);
}

static long copy(uintptr_t at, void *to, size_t bytes)
{
	/* Not the process, whose main thread may have ended. */
	long self = os_syscall(SYS_gettid);
	return copy_from(self, at, to, bytes);
}

bool os_peek(uintptr_t at, void *to, size_t bytes)
{
	return copy(at, to, bytes) == (long)bytes;
}

/* Reads what pages there are from AT to END, at most a buffer full at once; if
 * that fails, page by page. Returns the bytes that could not be read. */
static size_t read_pages(struct os_reader *reader, uintptr_t at, uintptr_t end,
			 enum os_pages which, os_read_visitor *visit,
			 void *context)
{
	size_t page = os_page_bytes(), unread = 0;
	size_t most = sizeof(reader->buffer);
	while (at < end) {
		size_t bytes = min_size(end - at, most);
		long got = which == OS_PAGES_ORIGINAL
				   ? copy_from(reader->original, at,
					       reader->buffer, bytes)
			   : reader->cannot_copy
				   ? -EPERM
				   : copy(at, reader->buffer, bytes);
		if (got == (long)bytes) {
			visit(context, at, reader->buffer,
			      bytes / sizeof(*reader->buffer));
		} else if (which != OS_PAGES_ORIGINAL &&
			   (got == -EPERM || got == -ENOSYS)) {
			reader->cannot_copy = true;
			visit(context, at, (const uintptr_t *)at,
			      bytes / sizeof(*reader->buffer));
		} else if (most > page) {
			most = page;
			bytes = 0;
		} else {
			bytes = min_size(round_down(at, page) + page - at,
					 bytes);
			unread += bytes;
		}
		at += bytes;
	}
	return unread;
}

/* --- which pages there are ------------------------------------------------ */

#define REGIONS_AT_ONCE 64

/* Lists the stretches that are wanted from START on; how many, negative if the
 * kernel cannot. *WALKED is how far it came. */
static long list_regions(const struct os_reader *reader, uintptr_t start,
			 uintptr_t end, enum os_pages which,
			 struct page_region *regions, uintptr_t *walked)
{
	uint64_t not_of_file = which == OS_PAGES_WRITTEN ? SCAN_OF_FILE : 0;
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = REGIONS_AT_ONCE,
		.category_inverted = not_of_file,
		.category_mask = not_of_file,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED,
	};
	long n = os_syscall(SYS_ioctl, pagemap_for(reader, which), SCAN_PAGEMAP,
			    &scan);
	*walked = scan.walk_end;
	return n;
}

/* As os_read; false, with nothing read, if the kernel has no lists. */
static bool read_by_list(struct os_reader *reader, uintptr_t at, uintptr_t end,
			 enum os_pages which, os_read_visitor *visit,
			 void *context, size_t *unread)
{
	struct page_region regions[REGIONS_AT_ONCE];
	size_t page = os_page_bytes();
	uintptr_t walked = round_down(at, page), last = round_up(end, page);
	while (walked < last) {
		uintptr_t start = walked;
		long n = list_regions(reader, start, last, which, regions,
				      &walked);
		if (n < 0 || walked <= start)
			return false;
		for (long i = 0; i < n; i++)
			*unread += read_pages(reader,
					      max_size(at, regions[i].start),
					      min_size(end, regions[i].end),
					      which, visit, context);
	}
	return true;
}

static bool is_wanted(uint64_t flags, enum os_pages which)
{
	return (flags & (PAGE_IS_PRESENT | PAGE_IS_SWAPPED)) != 0 &&
	       (which != OS_PAGES_WRITTEN || (flags & PAGE_IS_OF_FILE) == 0);
}

/* The flags of N pages from FIRST on; false if the kernel does not tell. */
static bool read_flags(long pagemap_fd, uintptr_t first, size_t n,
		       uint64_t *flags)
{
	size_t bytes = n * sizeof(*flags);
	return os_syscall(SYS_pread64, pagemap_fd, flags, bytes,
			  (first * sizeof(*flags))) == (long)bytes;
}

static size_t read_by_flags(struct os_reader *reader, uintptr_t at,
			    uintptr_t end, enum os_pages which,
			    os_read_visitor *visit, void *context)
{
	uint64_t flags[PAGES_AT_ONCE];
	size_t page = os_page_bytes(), unread = 0;
	while (at < end) {
		uintptr_t first = at / page;
		size_t n =
			min_size(divide_up(end, page) - first, PAGES_AT_ONCE);
		if (!read_flags(pagemap_for(reader, which), first, n, flags))
			return unread + read_pages(reader, at, end, which,
						   visit, context);
		for (size_t i = 0; i < n; i++) {
			uintptr_t from = max_size(at, (first + i) * page);
			while (i < n && is_wanted(flags[i], which))
				i++;
			unread += read_pages(reader, from,
					     min_size(end, (first + i) * page),
					     which, visit, context);
		}
		at = (first + n) * page;
	}
	return unread;
}

size_t os_read(struct os_reader *reader, uintptr_t at, size_t bytes,
	       enum os_pages which, os_read_visitor *visit, void *context)
{
	size_t unread = 0;
	bool has_lists =
		!reader->cannot_list && pagemap_for(reader, which) >= 0;
	if (has_lists && read_by_list(reader, at, at + bytes, which, visit,
				      context, &unread))
		return unread;
	reader->cannot_list |= has_lists;
	return read_by_flags(reader, at, at + bytes, which, visit, context);
}
