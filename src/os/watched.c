/*
 * watched: asked of the dynamic linker, which knows whose an address is.
 */
#define _GNU_SOURCE
#include "os/watched.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stddef.h>
#include <sys/mman.h>

#include "base/atomic.h"

#if HAVE_DL_FIND_OBJECT
/* Nobody has a reason to define this for himself. */
static bool is_libcs(void *function)
{
	struct dl_find_object one, libc;
	void *known = (void *)gnu_get_libc_version;
	return _dl_find_object(function, &one) != 0 ||
	       _dl_find_object(known, &libc) != 0 ||
	       one.dlfo_link_map == libc.dlfo_link_map;
}
#else
static bool is_libcs(void *function)
{
	(void)function;
	return true;
}
#endif

bool os_is_watched(void)
{
	/* Atomic, relaxed: every thread that races here finds the same. */
	static enum { UNKNOWN, NO, YES } answer;
	int known = load_relaxed(&answer);
	if (known == UNKNOWN) {
		bool libcs = is_libcs((void *)munmap) &&
			     is_libcs((void *)madvise) &&
			     is_libcs((void *)mremap);
		known = libcs ? NO : YES;
		store_relaxed(&answer, known);
	}
	return known == YES;
}
