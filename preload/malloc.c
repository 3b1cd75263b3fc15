/*
 * malloc: libc's names for the malloc family.
 *
 * One file, so that a static program that pulls in one of them has them all and
 * none of libc's: two mallocs in one program would be worse than none.
 */
#include <errno.h>
#include <stddef.h>

#include "api/alloc.h"

#define EXPORTED __attribute__((visibility("default")))

/* Prototypes of our own: libc's headers lack some, and add attributes that do
 * not hold for the definitions. */
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *block, size_t size);
void *reallocarray(void *block, size_t n, size_t size);
void free(void *block);
void cfree(void *block);
void free_sized(void *block, size_t size);
void free_aligned_sized(void *block, size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);
int posix_memalign(void **out, size_t alignment, size_t size);
void *valloc(size_t size);
void *pvalloc(size_t size);
size_t malloc_usable_size(void *block);

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
	return api_reallocarray(block, n, size);
}

EXPORTED void free(void *block)
{
	api_free(block);
}

/* An old name for free, still in old programs. */
EXPORTED void cfree(void *block)
{
	api_free(block);
}

EXPORTED void free_sized(void *block, size_t size)
{
	api_free_sized(block, size, "free_sized");
}

EXPORTED void free_aligned_sized(void *block, size_t alignment, size_t size)
{
	api_free_aligned_sized(block, alignment, size, "free_aligned_sized");
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
	return api_usable_size(block);
}
