/*
 * tsan_os: makes tarn choose a region that ThreadSanitizer can watch.
 *
 * It has shadow for a few ranges of addresses only, and takes
 * MAP_FIXED_NOREPLACE elsewhere for a wish that it need not grant. The core is
 * compiled with -Dmmap=watched_mmap, so that the kernel seems to refuse such
 * addresses and tarn goes on to its lower choices; and with
 * -Dgetrlimit=limited_getrlimit, so that the region is small enough for these
 * on any machine.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Below here all addresses have shadow. */
#define WATCHED_END ((uintptr_t)512 << 30)
#define LIMIT_BYTES ((rlim_t)32 << 30)

void *watched_mmap(void *at, size_t bytes, int protection, int flags, int fd,
		   off_t offset);
int limited_getrlimit(int resource, struct rlimit *limit);

void *watched_mmap(void *at, size_t bytes, int protection, int flags, int fd,
		   off_t offset)
{
	if ((flags & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE &&
	    (uintptr_t)at + bytes > WATCHED_END) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return mmap(at, bytes, protection, flags, fd, offset);
}

int limited_getrlimit(int resource, struct rlimit *limit)
{
	int result = getrlimit(resource, limit);
	if (resource == RLIMIT_AS && limit->rlim_cur > LIMIT_BYTES)
		limit->rlim_cur = LIMIT_BYTES;
	return result;
}
