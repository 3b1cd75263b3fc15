/*
 * family: the functions that give out memory, under both their names, so that a
 * test can go through all of them. They are looked up at run time, because the
 * C library's headers lack some, and so that no compiler knows what they do.
 */
#ifndef TARN_TESTS_FAMILY_H
#define TARN_TESTS_FAMILY_H

#include "expect.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

struct family {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t n, size_t size);
	void *(*realloc)(void *block, size_t size);
	void *(*reallocarray)(void *block, size_t n, size_t size);
	void *(*memalign)(size_t alignment, size_t size);
	void *(*aligned_alloc)(size_t alignment, size_t size);
	int (*posix_memalign)(void **out, size_t alignment, size_t size);
	void *(*valloc)(size_t size);
	void *(*pvalloc)(size_t size);
	void (*free)(void *block);
	void (*free_sized)(void *block, size_t size);
	void (*free_aligned_sized)(void *block, size_t alignment, size_t size);
	size_t (*usable_size)(const void *block);
};

static inline void *family_symbol(void *object, const char *prefix,
				  const char *name)
{
	char symbol[64];
	snprintf(symbol, sizeof(symbol), "%s%s", prefix, name);
	void *found = dlsym(object, symbol);
	if (found == NULL) {
		dprintf(STDOUT_FILENO, "there is no %s\n", symbol);
		_exit(1);
	}
	return found;
}

/* The family of OBJECT (see dlsym) with "tarn_" before its names, or "". */
static inline struct family family_in(void *object, const char *prefix)
{
	struct family family;
	*(void **)&family.malloc = family_symbol(object, prefix, "malloc");
	*(void **)&family.calloc = family_symbol(object, prefix, "calloc");
	*(void **)&family.realloc = family_symbol(object, prefix, "realloc");
	*(void **)&family.reallocarray =
		family_symbol(object, prefix, "reallocarray");
	*(void **)&family.memalign = family_symbol(object, prefix, "memalign");
	*(void **)&family.aligned_alloc =
		family_symbol(object, prefix, "aligned_alloc");
	*(void **)&family.posix_memalign =
		family_symbol(object, prefix, "posix_memalign");
	*(void **)&family.valloc = family_symbol(object, prefix, "valloc");
	*(void **)&family.pvalloc = family_symbol(object, prefix, "pvalloc");
	*(void **)&family.free = family_symbol(object, prefix, "free");
	*(void **)&family.free_sized =
		family_symbol(object, prefix, "free_sized");
	*(void **)&family.free_aligned_sized =
		family_symbol(object, prefix, "free_aligned_sized");
	*(void **)&family.usable_size =
		family_symbol(object, prefix, "malloc_usable_size");
	return family;
}

/* The one that the program calls. */
static inline struct family family_named(const char *prefix)
{
	return family_in(RTLD_DEFAULT, prefix);
}

#endif
