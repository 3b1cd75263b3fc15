/*
 * family: the malloc family under tarn's own names.
 */
#include "api/alloc.h"
#include "tarn.h"

void *tarn_malloc(size_t size)
{
	return api_malloc(size);
}

void *tarn_calloc(size_t n, size_t size)
{
	return api_calloc(n, size);
}

void *tarn_realloc(void *block, size_t size)
{
	return api_realloc(block, size, "realloc");
}

void *tarn_reallocarray(void *block, size_t n, size_t size)
{
	return api_reallocarray(block, n, size);
}

void tarn_free(void *block)
{
	api_free(block);
}

void tarn_free_sized(void *block, size_t size)
{
	api_free_sized(block, size, "free_sized");
}

void tarn_free_aligned_sized(void *block, size_t alignment, size_t size)
{
	api_free_aligned_sized(block, alignment, size, "free_aligned_sized");
}

void *tarn_aligned_alloc(size_t alignment, size_t size)
{
	return api_aligned_alloc(alignment, size);
}

void *tarn_memalign(size_t alignment, size_t size)
{
	return api_memalign(alignment, size);
}

int tarn_posix_memalign(void **out, size_t alignment, size_t size)
{
	return api_posix_memalign(out, alignment, size);
}

void *tarn_valloc(size_t size)
{
	return api_valloc(size);
}

void *tarn_pvalloc(size_t size)
{
	return api_pvalloc(size);
}

size_t tarn_malloc_usable_size(const void *block)
{
	return api_usable_size(block);
}
