/*
 * expect: what the programs that run preloaded say and count.
 *
 * A failed expectation is printed and counted; the program goes on, and main
 * returns expect_status(). Nothing here allocates. To be included first.
 */
#ifndef TARN_TESTS_EXPECT_H
#define TARN_TESTS_EXPECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXPECT_SKIPPED = 77, EXPECT_SHOWN = 20 };

/* Atomic, relaxed: a count. */
static int expect_failures;

/* Counts a failure and prints it, if it is among the first. True if THAT. */
#define EXPECT(that) expect_that((that) ? 1 : 0, #that, __FILE__, __LINE__)

static inline int expect_that(int that, const char *text, const char *file,
			      int line)
{
	if (!that && __atomic_fetch_add(&expect_failures, 1, __ATOMIC_RELAXED) <
			     EXPECT_SHOWN)
		dprintf(STDOUT_FILENO, "%s:%d: %s\n", file, line, text);
	return that;
}

/* To be called in a child, for its parent's failures are not its own. */
static inline void expect_anew(void)
{
	__atomic_store_n(&expect_failures, 0, __ATOMIC_RELAXED);
}

/* What main returns. */
static inline int expect_status(void)
{
	int failures = __atomic_load_n(&expect_failures, __ATOMIC_RELAXED);
	if (failures > 0)
		dprintf(STDOUT_FILENO, "%d failed\n", failures);
	return failures > 0;
}

/* The object that defines the symbol NAME, as the dynamic linker finds it. */
static inline const void *expect_home_of(const char *name)
{
	Dl_info object;
	void *symbol = dlsym(RTLD_DEFAULT, name);
	if (symbol == NULL || dladdr(symbol, &object) == 0)
		return NULL;
	return object.dli_fbase;
}

/* Ends the program unless the malloc that it calls is tarn's. */
static inline void expect_tarn(void)
{
	const void *tarn = expect_home_of("tarn_version");
	if (tarn == NULL || tarn != expect_home_of("malloc") ||
	    tarn != expect_home_of("free")) {
		dprintf(STDOUT_FILENO, "this does not run on tarn\n");
		_exit(1);
	}
}

static inline void expect_skip(const char *why)
{
	dprintf(STDOUT_FILENO, "skipped: %s\n", why);
	_exit(EXPECT_SKIPPED);
}

#endif
