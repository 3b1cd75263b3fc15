/*
 * own: raw system calls.
 */
#include "os/own.h"

#include <sys/mman.h>

#include "base/syscall.h"

/* Addresses of programs are positive numbers, errors negative ones. */
static void *address_or_null(long got)
{
	return got < 0 ? NULL : (void *)got;
}

void *os_map_own_shared(size_t bytes, long fd)
{
	int flags = MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0);
	return address_or_null(os_syscall(SYS_mmap, 0, bytes,
					  PROT_READ | PROT_WRITE, flags, fd));
}

const void *os_map_own_file(long fd, size_t at, size_t bytes)
{
	return address_or_null(
		os_syscall(SYS_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, fd, at));
}
