/*
 * written: userfaultfd(2) and ioctl_pagemap_scan(2).
 *
 * Law: a page that is present and watched is either protected, or was written
 *      since it was. Neither fork nor swapping nor splitting a large page
 *      breaks it, and mremap and munmap end the watch.
 */
#define _GNU_SOURCE
#include "os/written.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/stat.h>

#include "base/syscall.h"

/* The headers of a distribution may be older than its kernel. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define FEATURE_WRITE_PROTECT (1 << 0)
#define FEATURE_UNPOPULATED (1 << 13)
#define FEATURE_ASYNC (1 << 15)
#define FEATURES (FEATURE_WRITE_PROTECT | FEATURE_UNPOPULATED | FEATURE_ASYNC)

/* Programs expect the lowest numbers. */
#define FD_MIN 1000

static long control(long fd, unsigned long request, void *argument)
{
	return os_syscall(SYS_ioctl, fd, request, argument);
}

static void close_fd(long fd)
{
	os_syscall(SYS_close, fd);
}

/* --- the descriptor ------------------------------------------------------- */

static bool identify(struct os_written *written, int fd)
{
	struct stat status;
	if (os_syscall(SYS_fstat, fd, &status) != 0)
		return false;
	written->device = status.st_dev;
	written->inode = status.st_ino;
	return true;
}

static bool is_ours(const struct os_written *written)
{
	struct os_written now;
	return written->fd != 0 && identify(&now, written->fd) &&
	       now.device == written->device && now.inode == written->inode;
}

static long move_up(long fd)
{
	long high = os_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, FD_MIN);
	if (high < 0)
		high = os_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3);
	close_fd(fd);
	return high;
}

/*
 * Faults of the kernel's own (a read(2) into a watched page) are resolved like
 * any other, so that it may be one for user mode only, which needs no
 * privilege.
 */
static bool open_fd(struct os_written *written)
{
	struct uffdio_api api = {.api = UFFD_API, .features = FEATURES};
	long fd = os_syscall(SYS_userfaultfd,
			     O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	written->fd = 0;
	written->is_refused = fd == -ENOSYS || fd == -EPERM || fd == -EINVAL;
	if (fd < 0)
		return false;
	if (control(fd, UFFDIO_API, &api) != 0) {
		close_fd(fd);
		written->is_refused = true;
		return false;
	}
	fd = move_up(fd);
	if (fd < 0 || !identify(written, (int)fd))
		return false;
	written->fd = (int)fd;
	return true;
}

bool os_written_begin(struct os_written *written)
{
	if (written->is_refused)
		return false;
	if (!is_ours(written) && !open_fd(written))
		return false;
	written->pagemap_fd =
		os_syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/pagemap",
			   O_RDONLY | O_CLOEXEC);
	return written->pagemap_fd >= 0;
}

void os_written_end(struct os_written *written)
{
	if (written->pagemap_fd >= 0)
		close_fd(written->pagemap_fd);
	written->pagemap_fd = -1;
	written->was_watched = true;
}

/* The kernel takes the protection away with the last descriptor. */
void os_written_stop(struct os_written *written)
{
	if (is_ours(written))
		close_fd(written->fd);
	written->fd = 0;
}

void os_written_forget(struct os_written *written)
{
	os_written_stop(written);
	written->is_refused = false;
	written->was_watched = false;
}

/* --- pages -------------------------------------------------------------- */

/* Lists what was written in [START, END), and protects it again. A hole is
 * passed over; what is not watched is an error. */
static long scan(struct os_written *written, uintptr_t start, uintptr_t end,
		 uintptr_t *walked)
{
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = SCAN_PROTECT | SCAN_WATCHED_ONLY,
		.start = start,
		.end = end,
		.vec = (uintptr_t)written->stretches,
		.vec_len = OS_WRITTEN_STRETCHES,
		.category_mask = SCAN_WRITTEN,
		.return_mask = SCAN_WRITTEN,
	};
	long n = control(written->pagemap_fd, SCAN_PAGEMAP, &scan);
	*walked = scan.walk_end;
	return n;
}

static bool protect_all(struct os_written *written, uintptr_t start,
			uintptr_t end)
{
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.flags = SCAN_PROTECT | SCAN_WATCHED_ONLY,
		.start = start,
		.end = end,
		.category_mask = SCAN_WRITTEN,
	};
	return control(written->pagemap_fd, SCAN_PAGEMAP, &scan) == 0;
}

/*
 * Watches [START, END), all of which has just been told as written. Where that
 * fails the next scan fails too, or finds pages that are not protected.
 *
 * Before Linux 6.13 a page that came by mremap may bear the mark of a
 * protection that it lost: it would look unwritten for good. So marks are taken
 * away first.
 */
static void watch(struct os_written *written, uintptr_t start, uintptr_t end)
{
	struct uffdio_range range = {start, end - start};
	struct uffdio_register wish = {.range = range,
				       .mode = UFFDIO_REGISTER_MODE_WP};
	struct uffdio_writeprotect clear = {.range = range};
	if (control(written->fd, UFFDIO_REGISTER, &wish) != 0)
		return;
	if (written->was_watched &&
	    control(written->fd, UFFDIO_WRITEPROTECT, &clear) != 0) {
		control(written->fd, UFFDIO_UNREGISTER, &range);
		return;
	}
	protect_all(written, start, end);
}

/* A scan that fails has to be done with for so many bytes at once. */
#define PIECE_BYTES ((size_t)16 << 20)

static void take_piece(struct os_written *written, uintptr_t start,
		       uintptr_t end, os_written_visitor *visit, void *context)
{
	uintptr_t at = start, walked;
	while (at < end) {
		long n = scan(written, at, end, &walked);
		if (n < 0 || walked <= at) {
			visit(context, at, end);
			watch(written, at, end);
			return;
		}
		for (long i = 0; i < n; i++)
			visit(context, written->stretches[i].start,
			      written->stretches[i].end);
		at = walked;
	}
}

void os_written_take(struct os_written *written, uintptr_t start, size_t bytes,
		     os_written_visitor *visit, void *context)
{
	uintptr_t end = start + bytes, next;
	for (uintptr_t at = start; at < end; at = next) {
		next = (at / PIECE_BYTES + 1) * PIECE_BYTES;
		if (next > end)
			next = end;
		take_piece(written, at, next, visit, context);
	}
}
