/*
 * maps: one line at a time through a buffer on the stack.
 *
 * By raw system calls: libc's are points at which a thread may be cancelled, or
 * a program's own, and we may be called with locks held.
 */
#include "os/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/message.h"
#include "base/syscall.h"

/* The next character, or -1 at the end. */
static int next_char(struct os_maps *reader)
{
	if (reader->at == reader->length) {
		long n;
		do
			n = os_syscall(SYS_read, reader->fd, reader->chunk,
				       sizeof(reader->chunk));
		while (n == -EINTR);
		if (n <= 0)
			return -1;
		reader->length = (size_t)n;
		reader->at = 0;
	}
	return (unsigned char)reader->chunk[reader->at++];
}

/* One line without its newline, cut to SIZE; false at the end. */
static bool next_line(struct os_maps *reader, char *line, size_t size)
{
	size_t length = 0;
	int c = next_char(reader);
	if (c < 0)
		return false;
	for (; c >= 0 && c != '\n'; c = next_char(reader))
		if (length + 1 < size)
			line[length++] = (char)c;
	line[length] = '\0';
	return true;
}

static uintptr_t parse_hex(const char **text)
{
	uintptr_t n = 0;
	for (;; (*text)++) {
		char c = **text;
		if (c >= '0' && c <= '9')
			n = n << 4 | (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (uintptr_t)(c - 'a' + 10);
		else
			return n;
	}
}

static bool is_flag(const char *line, size_t i, char flag)
{
	return strlen(line) > i && line[i] == flag;
}

/* A line is "start-end perms offset device inode    name". */
static void parse_line(const char *line, struct os_mapping *mapping)
{
	mapping->start = parse_hex(&line);
	line++;
	mapping->end = parse_hex(&line);
	line += strspn(line, " ");
	mapping->is_readable = is_flag(line, 0, 'r');
	mapping->is_writable = is_flag(line, 1, 'w');
	mapping->is_executable = is_flag(line, 2, 'x');
	mapping->is_shared = is_flag(line, 3, 's');
	for (int field = 0; field < 4; field++) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	mapping->name = line;
}

bool os_maps_open(struct os_maps *maps)
{
	/* A main thread that has ended has no mappings any more. */
	maps->fd = os_syscall(SYS_openat, AT_FDCWD, "/proc/thread-self/maps",
			      O_RDONLY | O_CLOEXEC);
	if (maps->fd < 0)
		maps->fd = os_syscall(SYS_openat, AT_FDCWD, "/proc/self/maps",
				      O_RDONLY | O_CLOEXEC);
	maps->length = maps->at = 0;
	return maps->fd >= 0;
}

bool os_maps_open_of(struct os_maps *maps, uint32_t process)
{
	char path[64];
	message_format(path, sizeof(path), "/proc/%u/maps", process);
	maps->fd = os_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	maps->length = maps->at = 0;
	return maps->fd >= 0;
}

bool os_maps_next(struct os_maps *maps, struct os_mapping *mapping)
{
	if (!next_line(maps, maps->line, sizeof(maps->line)))
		return false;
	parse_line(maps->line, mapping);
	return true;
}

void os_maps_close(struct os_maps *maps)
{
	os_syscall(SYS_close, maps->fd);
}

bool os_maps_find(struct os_maps *maps, uintptr_t address,
		  struct os_mapping *mapping)
{
	bool is_found = false;
	if (!os_maps_open(maps))
		return false;
	while (!is_found && os_maps_next(maps, mapping))
		is_found = os_mapping_has(mapping, address);
	os_maps_close(maps);
	return is_found;
}

static bool is_device(const struct os_mapping *mapping)
{
	const char *name = mapping->name;
	if (strncmp(name, "[v", 2) == 0) /* vvar, vdso, vsyscall */
		return true;
	return strncmp(name, "/dev/", 5) == 0 &&
	       strncmp(name, "/dev/zero", 9) != 0 &&
	       strncmp(name, "/dev/shm/", 9) != 0;
}

bool os_may_hold_pointers(const struct os_mapping *mapping)
{
	return mapping->is_readable && !is_device(mapping) &&
	       (mapping->is_writable || !mapping->is_shared);
}

static const char *describe(const struct os_mapping *mapping)
{
	if (*mapping->name != '\0')
		return mapping->name;
	if (os_mapping_has(mapping, (uintptr_t)__builtin_frame_address(0)))
		return "the stack of this thread";
	return "anonymous memory";
}

const char *os_describe_address(uintptr_t address, char *buffer, size_t size)
{
	struct os_mapping mapping;
	struct os_maps reader;
	const char *what = "no mapping";
	if (os_maps_find(&reader, address, &mapping))
		what = describe(&mapping);
	else if (reader.fd < 0)
		what = "unknown memory";
	message_format(buffer, size, "%s", what);
	return buffer;
}
