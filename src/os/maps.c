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
#include <sys/syscall.h>
#include <unistd.h>

#include "base/message.h"

struct reader {
	long fd;
	size_t length;
	size_t at;
	char chunk[1024];
};

/* The next character, or -1 at the end. */
static int next_char(struct reader *reader)
{
	if (reader->at == reader->length) {
		long n;
		do
			n = syscall(SYS_read, reader->fd, reader->chunk,
				    sizeof(reader->chunk));
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -1;
		reader->length = (size_t)n;
		reader->at = 0;
	}
	return (unsigned char)reader->chunk[reader->at++];
}

/* One line without its newline, cut to SIZE; false at the end. */
static bool next_line(struct reader *reader, char *line, size_t size)
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

struct mapping {
	uintptr_t start;
	uintptr_t end;
	const char *name;
};

/* A line is "start-end perms offset device inode    name". */
static struct mapping parse_line(const char *line)
{
	struct mapping mapping = {.start = parse_hex(&line)};
	line++;
	mapping.end = parse_hex(&line);
	for (int field = 0; field < 4; field++) {
		line += strspn(line, " ");
		line += strcspn(line, " ");
	}
	mapping.name = line + strspn(line, " ");
	return mapping;
}

/* The next mapping, its name in LINE of SIZE bytes; false at the end. */
static bool next_mapping(struct reader *reader, char *line, size_t size,
			 struct mapping *mapping)
{
	if (!next_line(reader, line, size))
		return false;
	*mapping = parse_line(line);
	return true;
}

static bool open_maps(struct reader *reader)
{
	reader->fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps",
			     O_RDONLY | O_CLOEXEC);
	reader->length = reader->at = 0;
	return reader->fd >= 0;
}

static bool contains(const struct mapping *mapping, uintptr_t address)
{
	return address >= mapping->start && address < mapping->end;
}

static const char *describe(const struct mapping *mapping)
{
	if (*mapping->name != '\0')
		return mapping->name;
	if (contains(mapping, (uintptr_t)__builtin_frame_address(0)))
		return "the stack of this thread";
	return "anonymous memory";
}

const char *os_describe_address(uintptr_t address, char *buffer, size_t size)
{
	char line[384];
	const char *what = "no mapping";
	struct mapping mapping;
	struct reader reader;
	if (!open_maps(&reader)) {
		message_format(buffer, size, "unknown memory");
		return buffer;
	}
	while (next_mapping(&reader, line, sizeof(line), &mapping))
		if (contains(&mapping, address)) {
			what = describe(&mapping);
			break;
		}
	syscall(SYS_close, reader.fd);
	message_format(buffer, size, "%s", what);
	return buffer;
}

bool os_is_unmapped(uintptr_t start, size_t bytes)
{
	char line[128];
	bool unmapped = true;
	struct mapping mapping;
	struct reader reader;
	if (!open_maps(&reader))
		return false;
	while (unmapped && next_mapping(&reader, line, sizeof(line), &mapping))
		unmapped =
			mapping.end <= start || mapping.start >= start + bytes;
	syscall(SYS_close, reader.fd);
	return unmapped;
}
