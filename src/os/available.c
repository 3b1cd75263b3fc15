/*
 * available: the machine's memory, control groups.
 *
 * A process is in one control group of the unified hierarchy, named by the line
 * "0::/path" of /proc/self/cgroup, below /sys/fs/cgroup; the limits of those
 * above it count too. In a container the path is often that of another
 * namespace: then the root that is mounted there tells.
 */
#include "os/available.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "base/message.h"
#include "base/syscall.h"
#include "os/system.h"

#define PATH_BYTES 512
#define ROOT "/sys/fs/cgroup"

/* The first bytes of a file, terminated; false if it cannot be read. */
static bool read_start(const char *path, char *buffer, size_t size)
{
	long fd = os_syscall(SYS_openat, AT_FDCWD, (long)path,
			     O_RDONLY | O_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return false;
	long n =
		os_syscall(SYS_read, fd, (long)buffer, (long)size - 1, 0, 0, 0);
	os_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
	buffer[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* "max" is no limit. */
static size_t read_limit(const char *folder)
{
	char path[PATH_BYTES + sizeof(ROOT) + 16], text[32];
	size_t limit = 0;
	message_format(path, sizeof(path), ROOT "%s/memory.max", folder);
	if (!read_start(path, text, sizeof(text)) || text[0] < '0' ||
	    text[0] > '9')
		return SIZE_MAX;
	for (const char *at = text; *at >= '0' && *at <= '9'; at++) {
		if (limit > SIZE_MAX / 16)
			return SIZE_MAX;
		limit = limit * 10 + (size_t)(*at - '0');
	}
	return limit;
}

/* The least of the limits of the group and of those above it. */
static size_t group_limit(void)
{
	char text[PATH_BYTES], *folder = NULL;
	size_t least = read_limit("");
	if (read_start("/proc/self/cgroup", text, sizeof(text)))
		folder = strstr(text, "0::/");
	if (folder == NULL)
		return least;
	folder += strlen("0::");
	folder[strcspn(folder, "\n")] = '\0';
	for (char *end; (end = strrchr(folder, '/')) != NULL; *end = '\0') {
		size_t limit = read_limit(folder);
		least = limit < least ? limit : least;
	}
	return least;
}

size_t os_available_bytes(void)
{
	size_t physical = os_physical_bytes(), limit = group_limit();
	return limit < physical ? limit : physical;
}
