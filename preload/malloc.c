/*
 * malloc: libc's names for the malloc family.
 *
 * One file, so that a static program that pulls in one of them has them all and
 * none of libc's: two mallocs in one program would be worse than none.
 */
#include <errno.h>
#include <stddef.h>

#include "api/alloc.h"
#include "api/own.h"
#include "base/arith.h"

#define EXPORTED __attribute__((visibility("default")))
#define EXPORTED_AS(name) __attribute__((alias(#name), visibility("default")))
#define HIDDEN_AS(name) __attribute__((alias(#name), visibility("hidden")))

/* libc's names for its own malloc, whoever defines malloc: programs that stand
 * before it call them. */
EXPORTED_AS(malloc) void *__libc_malloc(size_t size);
EXPORTED_AS(calloc) void *__libc_calloc(size_t n, size_t size);
EXPORTED_AS(realloc) void *__libc_realloc(void *block, size_t size);
EXPORTED_AS(free) void __libc_free(void *block);
EXPORTED_AS(memalign) void *__libc_memalign(size_t alignment, size_t size);
EXPORTED_AS(valloc) void *__libc_valloc(size_t size);
EXPORTED_AS(pvalloc) void *__libc_pvalloc(size_t size);

HIDDEN_AS(malloc) void *own_malloc(size_t size);
HIDDEN_AS(free) void own_free(void *block);
HIDDEN_AS(aligned_alloc) void *own_aligned_alloc(size_t alignment, size_t size);

EXPORTED void *malloc(size_t size)
{
	return api_malloc(size);
}

EXPORTED void *calloc(size_t n, size_t size)
{
	return api_calloc(n, size);
}

EXPORTED void *realloc(void *block, size_t size)
{
	return api_realloc(block, size, "realloc");
}

EXPORTED void *reallocarray(void *block, size_t n, size_t size)
{
	size_t bytes;
	if (LIKELY(multiply_fits(n, size, &bytes)))
		return BOUND(realloc)(block, bytes);
	errno = ENOMEM;
	return NULL;
}

EXPORTED void free(void *block)
{
	api_free(block);
}

/* An old name for free, still in old programs. */
EXPORTED void cfree(void *block)
{
	BOUND(free)(block);
}

EXPORTED void free_sized(void *block, size_t size)
{
	if (UNLIKELY(api_is_foreign(block)))
		BOUND(free)(block);
	else
		api_free_sized(block, size, "free_sized");
}

EXPORTED void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	if (UNLIKELY(api_is_foreign(block)))
		BOUND(free)(block);
	else
		api_free_aligned_sized(block, alignment, size,
				       "free_aligned_sized");
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
	return api_aligned_alloc(alignment, size);
}

EXPORTED void *memalign(size_t alignment, size_t size)
{
	return api_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **out, size_t alignment, size_t size)
{
	return api_posix_memalign(out, alignment, size);
}

EXPORTED void *valloc(size_t size)
{
	return api_valloc(size);
}

EXPORTED void *pvalloc(size_t size)
{
	return api_pvalloc(size);
}

EXPORTED size_t malloc_usable_size(void *block)
{
	if (UNLIKELY(!IS_OWN(malloc)) && api_is_foreign(block))
		return 0;
	return api_usable_size(block);
}
