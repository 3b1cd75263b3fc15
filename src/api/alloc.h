/*
 * alloc: the malloc family's semantics: errno, overflow, alignment, mistakes.
 *
 * The hit paths are inline, so that the exported functions (preload/ for libc's
 * names, control.c and family.c for tarn's) are nothing but them and one jump
 * to the slow path. Every function here behaves as the exported one of its
 * name: the contracts stand in tarn.h.
 */
#ifndef TARN_API_ALLOC_H
#define TARN_API_ALLOC_H

#include "base/attr.h"
#include "heap/heap.h"
#include "heap/size_class.h"

/* What is left to do when the hit path could not serve. They set errno. */
void *api_malloc_slow(size_t size);
void api_free_slow(void *block, const char *operation);

/*
 * A program whose magazines serve all it asks for takes no slow path, and would
 * keep for good what it freed before. The hit paths of small blocks cannot
 * afford to look at the clock now and then; calloc, realloc and sizes beyond
 * 1 KiB can: once in so many calls.
 */
static ALWAYS_INLINE bool api_poll_is_due(void)
{
	struct heap *heap = heap_mine;
	return heap_is_attached(heap) && UNLIKELY(heap->calls_to_poll-- == 0);
}

/* Looks at the clock, and does what is due by it. */
void api_poll(void);

/* NULL: what is left to do is api_malloc_slow(). */
static ALWAYS_INLINE void *api_malloc_hit(size_t size)
{
	if (LIKELY(size <= SMALL_BYTES_MAX))
		return heap_pop(
			code_of_small[(size + BLOCK_ALIGN - 1) / BLOCK_ALIGN]);
	if (size > POOL_BYTES_MAX || UNLIKELY(api_poll_is_due()))
		return NULL;
	return heap_pop(class_code(class_of_medium(size)));
}

static ALWAYS_INLINE void *api_malloc(size_t size)
{
	void *block = api_malloc_hit(size);
	if (LIKELY(block != NULL))
		return block;
	return api_malloc_slow(size);
}

static ALWAYS_INLINE void api_free(void *block)
{
	if (UNLIKELY(!heap_push(block)))
		api_free_slow(block, "free");
}

void *api_calloc(size_t n, size_t size);
/* OPERATION is the name of the function in the report of a mistake. */
void *api_realloc(void *block, size_t size, const char *operation);
void *api_reallocarray(void *block, size_t n, size_t size);

/* ALIGNMENT is a power of two; errno is set to ENOMEM on failure. */
void *api_align(size_t alignment, size_t size);
void *api_aligned_alloc(size_t alignment, size_t size);
void *api_memalign(size_t alignment, size_t size);
int api_posix_memalign(void **out, size_t alignment, size_t size);
void *api_valloc(size_t size);
void *api_pvalloc(size_t size);

/* True if the page map says at once that BLOCK was asked for with SIZE. */
static ALWAYS_INLINE bool api_size_is_right(const void *block, size_t size)
{
	const struct region *region = &regions[0];
	size_t slice = region_slice(region, (uintptr_t)block);
	return slice < load_operand(&region->n_slices) &&
	       size <= POOL_BYTES_MAX &&
	       entry_class(region_entry(region, slice)) == class_of(size);
}

void api_free_sized(void *block, size_t size, const char *operation);
void api_free_aligned_sized(void *block, size_t alignment, size_t size,
			    const char *operation);

size_t api_usable_size(const void *block);

/* True if BLOCK does not lie where tarn's blocks do. */
bool api_is_foreign(const void *block);

#endif
