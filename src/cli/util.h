/*
 * util: memory that lives as long as a report, text that is safe to show, and
 * messages.
 *
 * Nothing here fails but by ending the command: without memory it says so and
 * exits with STATUS_FAILED.
 */
#ifndef TARN_CLI_UTIL_H
#define TARN_CLI_UTIL_H

#include "base/attr.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, those of env(1) and some of ours. */
enum status {
	STATUS_OK = 0,
	STATUS_NONE = 1, /* of ls: there is no such process */
	STATUS_FINDINGS = 23,
	STATUS_FAILED = 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
};

struct arena {
	struct arena_chunk *chunks;
	size_t left; /* bytes unused in the first chunk */
};

/* BYTES of zeros, aligned for anything, until arena_free(). */
void *arena_take(struct arena *arena, size_t bytes);
void arena_free(struct arena *arena);

/*
 * ARRAY of N elements of ELEMENT_BYTES, or a larger copy of it: with room for
 * one element more. It must have grown by this function alone, from NULL and 0.
 */
void *arena_grow(struct arena *arena, void *array, size_t n,
		 size_t element_bytes);

/* A copy of the LENGTH bytes at TEXT, with a NUL. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/* The same, but what is not printable UTF-8 becomes '?'. */
char *arena_clean_text(struct arena *arena, const char *text, size_t length);

char *arena_print(struct arena *arena, const char *format, ...)
	PRINTF_LIKE(2, 3);

/* One line on stderr after "tarn: ". */
void complain(const char *format, ...) PRINTF_LIKE(1, 2);

/* What follows the last slash of PATH. */
const char *path_base(const char *path);

/*
 * All of the file NAME in DIRECTORY, a descriptor, with a NUL after it; free it
 * with free(). NULL with errno if it cannot be read.
 */
char *text_of_file(int directory, const char *name, size_t *length);

/* To open what may be anything: it neither waits nor takes a terminal. */
#define FILE_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/*
 * A descriptor of the file PATH as the process sees it whose directory in /proc
 * is DIRECTORY; -1 if it cannot be opened.
 */
int file_inside(int directory, const char *path);

#endif
