/*
 * util: memory that lives as long as a report, text that is safe to show, and
 * messages.
 */
#include "cli/util.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct arena_chunk {
	struct arena_chunk *next;
	size_t bytes;
	alignas(max_align_t) char data[];
};

static _Noreturn void give_up(void)
{
	complain("out of memory");
	exit(STATUS_FAILED);
}

static void add_chunk(struct arena *arena, size_t bytes)
{
	struct arena_chunk *chunk;
	if (bytes < CHUNK_BYTES)
		bytes = CHUNK_BYTES;
	chunk = calloc(1, sizeof(*chunk) + bytes);
	if (!chunk)
		give_up();
	chunk->bytes = bytes;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	arena->left = bytes;
}

void *arena_take(struct arena *arena, size_t bytes)
{
	size_t align = alignof(max_align_t);
	void *taken;
	if (bytes > SIZE_MAX / 2)
		give_up();
	bytes = (bytes + align - 1) / align * align;
	if (!arena->chunks || arena->left < bytes)
		add_chunk(arena, bytes);
	taken = arena->chunks->data + (arena->chunks->bytes - arena->left);
	arena->left -= bytes;
	return taken;
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
	arena->left = 0;
}

void *arena_grow(struct arena *arena, void *array, size_t n,
		 size_t element_bytes)
{
	void *larger;
	/* The room is the next power of two. */
	if ((n & (n - 1)) != 0)
		return array;
	if (n > SIZE_MAX / 4 / element_bytes)
		give_up();
	larger = arena_take(arena, (n ? 2 * n : 1) * element_bytes);
	if (n)
		memcpy(larger, array, n * element_bytes);
	return larger;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_take(arena, length + 1);
	if (length)
		memcpy(copy, text, length);
	return copy;
}

/*
 * How many of the LENGTH bytes at TEXT are one character that may be shown; 0
 * for controls, and for what is not UTF-8: jansson refuses it.
 */
static size_t printable_bytes(const unsigned char *text, size_t length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t code = text[0];
	size_t n = code < 0x80 ? 1 : code < 0xc0 ? 0 : code < 0xe0 ? 2 : 3;
	if (code >= 0xf0)
		n = code < 0xf8 ? 4 : 0;
	if (n <= 1)
		return code >= 0x20 && code < 0x7f;
	if (n > length)
		return 0;
	code &= 0xffu >> (n + 1);
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || code < 0xa0)
		return 0;
	return code >= 0xd800 && code < 0xe000 ? 0 : n;
}

char *arena_clean_text(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_text(arena, text, length);
	for (size_t i = 0; i < length;) {
		size_t n =
			printable_bytes((unsigned char *)copy + i, length - i);
		if (n == 0)
			copy[i] = '?';
		i += n ? n : 1;
	}
	return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	int length;
	char *text;
	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		give_up();
	text = arena_take(arena, (size_t)length + 1);
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void complain(const char *format, ...)
{
	va_list arguments;
	fflush(stdout);
	fputs("tarn: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static char *larger(char *text, size_t size)
{
	text = realloc(text, size);
	if (!text)
		give_up();
	return text;
}

/* What read() gives until the end; files in /proc do not tell their length. */
static char *read_all(int fd, size_t *length)
{
	size_t size = 0, used = 0;
	char *text = NULL;
	ssize_t n;
	do {
		if (size - used < 4096) {
			size = size ? 2 * size : 8192;
			text = larger(text, size);
		}
		n = read(fd, text + used, size - used - 1);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	text[used] = '\0';
	*length = used;
	if (n == 0)
		return text;
	free(text);
	return NULL;
}

char *text_of_file(int directory, const char *name, size_t *length)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char *text;
	int error;
	if (fd < 0)
		return NULL;
	text = read_all(fd, length);
	error = errno;
	close(fd);
	errno = error;
	return text;
}

/* In a container of its own a link must not lead out of it. */
int file_inside(int directory, const char *path)
{
	struct open_how how = {
		.flags = FILE_FLAGS,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = openat(directory, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	close(root);
	return fd;
}
