/*
 * read: process_vm_readv on ourselves, guided by /proc/self/pagemap.
 */
#define _GNU_SOURCE
#include "os/read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/arith.h"
#include "os/memory.h"
#include "os/syscall.h"

/* What /proc/self/pagemap says of a page. */
#define PAGE_IS_PRESENT (UINT64_C(1) << 63)
#define PAGE_IS_SWAPPED (UINT64_C(1) << 62)
#define PAGE_IS_OF_FILE (UINT64_C(1) << 61)
#define PAGES_AT_ONCE 512

void os_reader_begin(struct os_reader *reader)
{
	reader->cannot_copy = false;
	reader->pagemap_fd =
		os_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/pagemap",
			   O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

void os_reader_end(struct os_reader *reader)
{
	if (reader->pagemap_fd >= 0)
		os_syscall(SYS_close, reader->pagemap_fd, 0, 0, 0, 0, 0);
}

static long copy(uintptr_t at, void *to, size_t bytes)
{
	struct iovec local = {to, bytes};
	struct iovec remote = {(void *)at, bytes};
	long self = os_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
	return os_syscall(SYS_process_vm_readv, self, (long)&local, 1,
			  (long)&remote, 1, 0);
}

bool os_peek(uintptr_t at, void *to, size_t bytes)
{
	return copy(at, to, bytes) == (long)bytes;
}

/* Reads what pages there are from AT to END, at most a buffer full at once; if
 * that fails, page by page. Returns the bytes that could not be read. */
static size_t read_pages(struct os_reader *reader, uintptr_t at, uintptr_t end,
			 os_read_visitor *visit, void *context)
{
	size_t page = os_page_bytes(), unread = 0;
	size_t most = sizeof(reader->buffer);
	while (at < end) {
		size_t bytes = min_size(end - at, most);
		long got = reader->cannot_copy
				   ? -EPERM
				   : copy(at, reader->buffer, bytes);
		if (got == (long)bytes) {
			visit(context, at, reader->buffer,
			      bytes / sizeof(*reader->buffer));
		} else if (got == -EPERM || got == -ENOSYS) {
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

static bool is_wanted(uint64_t flags, enum os_pages which)
{
	return (flags & (PAGE_IS_PRESENT | PAGE_IS_SWAPPED)) != 0 &&
	       (which == OS_PAGES_PRESENT || (flags & PAGE_IS_OF_FILE) == 0);
}

size_t os_read(struct os_reader *reader, uintptr_t at, size_t bytes,
	       enum os_pages which, os_read_visitor *visit, void *context)
{
	uint64_t flags[PAGES_AT_ONCE];
	size_t page = os_page_bytes(), unread = 0;
	uintptr_t end = at + bytes;
	while (at < end) {
		uintptr_t first = at / page;
		size_t n =
			min_size(divide_up(end, page) - first, PAGES_AT_ONCE);
		long got = reader->pagemap_fd < 0
				   ? -1
				   : os_syscall(SYS_pread64, reader->pagemap_fd,
						(long)flags,
						(long)(n * sizeof(*flags)),
						(long)(first * sizeof(*flags)),
						0, 0);
		if (got != (long)(n * sizeof(*flags)))
			return unread +
			       read_pages(reader, at, end, visit, context);
		for (size_t i = 0; i < n;) {
			size_t j = i;
			while (j < n && is_wanted(flags[j], which))
				j++;
			uintptr_t from = max_size(at, (first + i) * page);
			uintptr_t to = min_size(end, (first + j) * page);
			if (j > i)
				unread += read_pages(reader, from, to, visit,
						     context);
			i = j + 1;
		}
		at = (first + n) * page;
	}
	return unread;
}
