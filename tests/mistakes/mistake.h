/*
 * mistake: what the programs of caller's mistakes share.
 *
 * Each program says on stdout the line that it expects of tarn on stderr, and
 * then makes its mistake. run.sh compares the two, and wants the program
 * aborted. A line " * TARN_CONF=..." in a program's first comment is its
 * configuration.
 */
#ifndef TARN_TESTS_MISTAKE_H
#define TARN_TESTS_MISTAKE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Says what tarn will say, but for the "tarn: " before it. */
static inline void expect_line(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

static inline void expect_line(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	dprintf(STDOUT_FILENO, "tarn: ");
	vdprintf(STDOUT_FILENO, format, list);
	dprintf(STDOUT_FILENO, "\n");
	va_end(list);
}

/* A pointer of which the compiler knows nothing. */
static inline void *opaque(const void *pointer)
{
	const void *volatile copy = pointer;
	return (void *)copy;
}

/* The program's own file. */
static inline const char *program_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return path;
}

/* Runs FUNCTION in a thread and waits for it. */
static inline void run_in_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, function, argument) == 0)
		pthread_join(thread, NULL);
}

/* C23's functions, which not every C library has. */
static inline void free_with_size(void *block, size_t size)
{
	void (*function)(void *, size_t);
	*(void **)&function = dlsym(RTLD_DEFAULT, "free_sized");
	function(block, size);
}

static inline void free_with_alignment(void *block, size_t alignment,
				       size_t size)
{
	void (*function)(void *, size_t, size_t);
	*(void **)&function = dlsym(RTLD_DEFAULT, "free_aligned_sized");
	function(block, alignment, size);
}

#endif
