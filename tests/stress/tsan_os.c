/*
 * tsan_os: makes tarn choose a region that ThreadSanitizer can watch.
 *
 * It has shadow for a few ranges of addresses only. The program is linked with
 * -Wl,--wrap=os_map_at, so that the kernel seems to refuse other addresses and
 * tarn goes on to its lower choices; the core is compiled with
 * -Dgetrlimit=limited_getrlimit, so that the region is small enough for these
 * on any machine.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/resource.h>

#include "os/memory.h"

/* Below here all addresses have shadow. */
#define WATCHED_END ((uintptr_t)512 << 30)
#define LIMIT_BYTES ((rlim_t)32 << 30)

enum os_map_result __real_os_map_at(uintptr_t at, size_t bytes);
enum os_map_result __wrap_os_map_at(uintptr_t at, size_t bytes);
int limited_getrlimit(int resource, struct rlimit *limit);

enum os_map_result __wrap_os_map_at(uintptr_t at, size_t bytes)
{
	if (at + bytes > WATCHED_END)
		return OS_REFUSED;
	return __real_os_map_at(at, bytes);
}

int limited_getrlimit(int resource, struct rlimit *limit)
{
	int result = getrlimit(resource, limit);
	if (resource == RLIMIT_AS && limit->rlim_cur > LIMIT_BYTES)
		limit->rlim_cur = LIMIT_BYTES;
	return result;
}
