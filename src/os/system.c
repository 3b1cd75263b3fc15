/*
 * system: clocks, randomness, sizes and names.
 */
#define _GNU_SOURCE
#include "os/system.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

uint64_t os_now_ms(void)
{
	struct timespec now = {0};
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t os_random(void)
{
	uint64_t value;
	/* libc's getrandom is a point at which a thread may be cancelled. */
	if (syscall(SYS_getrandom, &value, sizeof(value), GRND_NONBLOCK) ==
	    sizeof(value))
		return value;
	const void *bytes = (const void *)getauxval(AT_RANDOM);
	if (bytes == NULL)
		return (uintptr_t)__builtin_frame_address(0);
	memcpy(&value, bytes, sizeof(value));
	return value;
}

size_t os_physical_bytes(void)
{
	struct sysinfo info;
	if (sysinfo(&info) != 0)
		return (size_t)1 << 30;
	return (size_t)info.totalram * info.mem_unit;
}

size_t os_address_space_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_AS, &limit) != 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return (size_t)limit.rlim_cur;
}

const char *os_program_name(void)
{
	const char *name = program_invocation_short_name;
	return name != NULL && *name != '\0' ? name : "?";
}
