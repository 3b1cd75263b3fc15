/*
 * alloc: slow paths, and everything that is not malloc and free.
 *
 * errno: ENOMEM on failure; on success what it was before, whatever the
 * kernel's calls left there.
 *
 * Sizes beyond PTRDIFF_MAX are refused before anything is added to them.
 */
#include "api/alloc.h"

#include <errno.h>
#include <string.h>

#include "api/process.h"
#include "api/report.h"
#include "base/arith.h"
#include "base/atomic.h"
#include "heap/arena.h"
#include "heap/decay.h"
#include "heap/large.h"
#include "os/memory.h"
#include "watch/watch.h"

/*
 * Atomic, relaxed: set once a block had to stay larger than its size because
 * there was no memory for a smaller one. From then on free_sized() cannot tell.
 */
static bool has_kept_too_large;

/*
 * A block that shrinks to no less than three quarters stays where it is:
 * copying would save little. free_sized() must know of it.
 */
static bool is_worth_keeping(size_t usable_bytes, size_t size)
{
	return size <= usable_bytes && size > usable_bytes / 4 * 3;
}

static void *fail_no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* The heap that large blocks are counted by, and of which runs come. */
static struct heap *heap_for_large(void)
{
	struct heap *heap = heap_mine;
	return heap_is_attached(heap) ? heap : &heap_common;
}

/* At the end of a slow path, without a lock. */
static void end_slow_path(void)
{
	struct heap *heap = heap_mine;
	if (heap_is_attached(heap))
		decay_poll(heap);
}

/* After what is free was given back, and then unmapped, if need be. */
static void *take_large(size_t size, size_t alignment, bool cleared)
{
	struct heap *heap = heap_for_large();
	void *block = large_alloc(heap, size, alignment, cleared);
	if (UNLIKELY(block == NULL) && size <= PTRDIFF_MAX &&
	    decay_could_help(size, alignment)) {
		if (decay_gather())
			block = large_alloc(heap, size, alignment, cleared);
		if (block == NULL && decay_unmap(size, alignment))
			block = large_alloc(heap, size, alignment, cleared);
	}
	/* A request that cannot be served has nothing purged. */
	if (!heap_is_attached(heap) || block == NULL)
		return block;
	decay_note_large(heap, size);
	if (heap->is_poll_due)
		decay_poll(heap);
	return block;
}

static void *try_small(uint32_t class, size_t size, bool cleared)
{
	return cleared ? heap_take_zeroed(class, size)
		       : heap_refill(class, size);
}

/* The same from pools; CLEARED: the first SIZE bytes are zero. */
static void *take_small(uint32_t class, size_t size, bool cleared)
{
	void *block = try_small(class, size, cleared);
	if (UNLIKELY(block == NULL)) {
		size_t bytes = class_pool_slices(class) * SLICE_BYTES;
		if (decay_gather())
			block = try_small(class, size, cleared);
		if (block == NULL && decay_unmap(bytes, SLICE_BYTES))
			block = try_small(class, size, cleared);
	}
	if (LIKELY(block != NULL))
		end_slow_path();
	return block;
}

COLD void api_poll(void)
{
	int saved_errno = errno;
	decay_poll(heap_mine);
	errno = saved_errno;
}

/*
 * When sites are noted: a block for a request of SIZE, with ROOM bytes at
 * least. A large one has just so many: free_sized() knows it by that.
 */
static COLD void *take_large_watched(size_t room, size_t size, size_t alignment,
				     bool cleared)
{
	void *block = take_large(room, alignment, cleared);
	if (block != NULL &&
	    (watch_mode == WATCH_ALL || watch_is_large_due(heap_mine, size)))
		watch_note(block);
	return block;
}

static COLD void *take_watched(size_t room, size_t size)
{
	if (room > POOL_BYTES_MAX)
		return take_large_watched(room, size, SLICE_BYTES, false);
	void *block = watch_take_sampled(class_of(room));
	if (block != NULL)
		return block;
	block = take_small(class_of(room), size, false);
	if (block != NULL && watch_mode == WATCH_ALL)
		watch_note(block);
	return block;
}

NOINLINE void *api_malloc_slow(size_t size)
{
	int saved_errno = errno;
	void *block;
	if (UNLIKELY(size > PTRDIFF_MAX))
		return fail_no_memory();
	process_enter();
	if (UNLIKELY(watch_mode != WATCH_OFF))
		block = take_watched(watch_padded(size), size);
	else if (size <= POOL_BYTES_MAX)
		block = take_small(class_of(size), size, false);
	else
		block = take_large(size, SLICE_BYTES, false);
	if (UNLIKELY(block == NULL))
		return fail_no_memory();
	errno = saved_errno;
	return block;
}

/* Of SIZE or, if sites are noted, a little more; with a large block's errno. */
static void *take_large_or_watched(size_t size, size_t alignment, bool cleared)
{
	int saved_errno = errno;
	if (UNLIKELY(size > PTRDIFF_MAX))
		return fail_no_memory();
	process_enter();
	void *block = watch_mode == WATCH_OFF
			      ? take_large(size, alignment, cleared)
			      : take_large_watched(watch_padded(size), size,
						   alignment, cleared);
	if (block == NULL)
		return fail_no_memory();
	errno = saved_errno;
	return block;
}

NOINLINE void api_free_slow(void *block, const char *operation)
{
	if (block == NULL)
		return;
	int saved_errno = errno;
	/* Also a thread that only frees sees to what it makes idle. */
	process_enter();
	enum heap_mistake mistake = heap_free_slow(block);
	if (UNLIKELY(mistake != HEAP_FREED))
		report_mistake(operation, block, mistake);
	struct heap *heap = heap_mine;
	if (heap->is_poll_due)
		decay_poll(heap);
	if (heap->is_freeing_large)
		heap->is_freeing_large = false;
	errno = saved_errno;
}

/*
 * So large a block comes from memory that is zero anyway, unless one is at
 * hand: who asks for it may touch little of it.
 */
#define ZEROED_BYTES_MIN ((size_t)8 << 10)

static void *calloc_medium(size_t bytes)
{
	uint32_t class = class_of(bytes);
	size_t usable_bytes = class_block_bytes(class);
	void *block = heap_pop(class_code(class));
	if (block != NULL)
		return memset(block, 0, usable_bytes);
	int saved_errno = errno;
	process_enter();
	block = take_small(class, usable_bytes, true);
	if (UNLIKELY(block == NULL))
		return fail_no_memory();
	errno = saved_errno;
	return block;
}

void *api_calloc(size_t n, size_t size)
{
	size_t bytes;
	if (UNLIKELY(!multiply_fits(n, size, &bytes)))
		return fail_no_memory();
	if (api_poll_is_due())
		api_poll();
	if (UNLIKELY(bytes > POOL_BYTES_MAX))
		return take_large_or_watched(bytes, SLICE_BYTES, true);
	if (bytes >= ZEROED_BYTES_MIN && LIKELY(watch_mode == WATCH_OFF))
		return calloc_medium(bytes);
	void *block = api_malloc(bytes);
	if (UNLIKELY(block == NULL))
		return NULL;
	/* All of it that malloc_usable_size tells. */
	size_t usable_bytes = LIKELY(watch_mode != WATCH_ALL)
				      ? class_block_bytes(class_of(bytes))
				      : api_usable_size(block);
	return memset(block, 0, usable_bytes);
}

static ALWAYS_INLINE void free_as(void *block, const char *operation)
{
	if (UNLIKELY(!heap_push(block)))
		api_free_slow(block, operation);
}

/*
 * What grows once is likely to grow again: it gets the largest size that is at
 * most a third above the old one, so that is_worth_keeping() holds of it.
 * Blocks below GROWING_BYTES_MIN are many, and soon copied.
 */
#define GROWING_BYTES_MIN 512

static size_t room_to_grow(struct heap_block old, size_t size)
{
	size_t most = old.usable_bytes + old.usable_bytes / 3;
	if (old.is_large || old.usable_bytes < GROWING_BYTES_MIN ||
	    size <= old.usable_bytes || size >= most || most > POOL_BYTES_MAX)
		return size;
	uint32_t above = class_of(most);
	bool is_exact = class_block_bytes(above) == most;
	return max_size(size, class_block_bytes(is_exact ? above : above - 1));
}

/*
 * Another block with the same contents, the old one freed; NULL if there is no
 * memory.
 */
static void *move_block(void *block, struct heap_block old, size_t size,
			const char *operation)
{
	void *moved = api_malloc(room_to_grow(old, size));
	if (moved == NULL)
		return NULL;
	if (old.is_large && size > POOL_BYTES_MAX)
		arena_copy(moved, block, min_size(old.usable_bytes, size));
	else
		memcpy(moved, block, min_size(old.usable_bytes, size));
	free_as(block, operation);
	return moved;
}

/* In place or by moving pages; NULL if the contents must be copied. */
static void *resize_large(struct heap_block old, size_t size,
			  const char *operation)
{
	int saved_errno = errno;
	bool is_mine;
	void *block = large_resize(heap_for_large(), old.start, size, &is_mine);
	if (!is_mine)
		report_mistake(operation, (void *)old.start, HEAP_DOUBLE_FREE);
	errno = saved_errno;
	return block;
}

static bool fits_class(struct heap_block block, size_t size)
{
	size_t room = watch_padded(size);
	return !block.is_large && room <= POOL_BYTES_MAX &&
	       class_block_bytes(class_of(room)) == block.usable_bytes;
}

static void *realloc_block(void *block, size_t size, const char *operation)
{
	struct heap_block old = heap_look_up(block);
	if (UNLIKELY(old.mistake != HEAP_FREED))
		report_mistake(operation, block, old.mistake);
	if (size > PTRDIFF_MAX)
		return fail_no_memory();
	size_t room = watch_padded(size);
	if (fits_class(old, size) ||
	    (!old.is_large && is_worth_keeping(old.usable_bytes, room)))
		return block;
	int saved_errno = errno;
	void *resized = NULL;
	if (old.is_large && room > POOL_BYTES_MAX)
		resized = resize_large(old, room, operation);
	if (resized == NULL)
		resized = move_block(block, old, size, operation);
	if (resized != NULL || room > old.usable_bytes)
		return resized;
	/* No memory to make it smaller elsewhere: it stays. */
	store_relaxed(&has_kept_too_large, true);
	errno = saved_errno;
	return old.is_large ? resize_large(old, room, operation) : block;
}

void *api_realloc(void *block, size_t size, const char *operation)
{
	if (api_poll_is_due())
		api_poll();
	if (block == NULL)
		return api_malloc(size);
	if (size != 0)
		return realloc_block(block, size, operation);
	free_as(block, operation);
	return NULL;
}

void *api_reallocarray(void *block, size_t n, size_t size)
{
	size_t bytes;
	if (!multiply_fits(n, size, &bytes))
		return fail_no_memory();
	return api_realloc(block, bytes, "reallocarray");
}

/* The padding comes before the rounding, which makes the class aligned. */
static COLD void *align_watched(size_t alignment, size_t size)
{
	int saved_errno = errno;
	process_enter();
	size_t room = watch_padded(size), rounded = round_up(room, alignment);
	void *block =
		rounded <= POOL_BYTES_MAX
			? take_watched(rounded, size)
			: take_large_watched(room, size,
					     max_size(alignment, SLICE_BYTES),
					     false);
	if (block == NULL)
		return fail_no_memory();
	errno = saved_errno;
	return block;
}

void *api_align(size_t alignment, size_t size)
{
	if (alignment <= BLOCK_ALIGN)
		return api_malloc(size);
	if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX / 2)
		return fail_no_memory();
	size_t room = size == 0 ? 1 : size;
	size_t rounded = round_up(room, alignment);
	if (UNLIKELY(watch_mode == WATCH_ALL))
		return align_watched(alignment, room);
	if (rounded <= POOL_BYTES_MAX)
		return api_malloc(rounded);
	return take_large_or_watched(size, max_size(alignment, SLICE_BYTES),
				     false);
}

void *api_aligned_alloc(size_t alignment, size_t size)
{
	if (!is_power_of_two(alignment)) {
		errno = EINVAL;
		return NULL;
	}
	return api_align(alignment, size);
}

void *api_memalign(size_t alignment, size_t size)
{
	if (alignment > SIZE_MAX / 2 + 1) {
		errno = EINVAL;
		return NULL;
	}
	return api_align((size_t)1 << log2_ceil(alignment), size);
}

int api_posix_memalign(void **out, size_t alignment, size_t size)
{
	if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
		return EINVAL;
	int saved_errno = errno;
	void *block = api_align(alignment, size);
	errno = saved_errno;
	if (block == NULL)
		return ENOMEM;
	*out = block;
	return 0;
}

void *api_valloc(size_t size)
{
	return api_align(os_page_bytes(), size);
}

void *api_pvalloc(size_t size)
{
	size_t page = os_page_bytes();
	if (size > PTRDIFF_MAX)
		return fail_no_memory();
	return api_align(page, round_up(size == 0 ? 1 : size, page));
}

/*
 * True if a block with so many usable bytes can have been asked for with SIZE.
 */
static bool size_is_plausible(struct heap_block block, size_t size)
{
	if (load_relaxed(&has_kept_too_large) || watch_mode == WATCH_ALL)
		return size <= block.usable_bytes;
	if (block.is_large)
		return round_up(size, os_page_bytes()) == block.usable_bytes;
	return fits_class(block, size) ||
	       is_worth_keeping(block.usable_bytes, size);
}

static COLD void check_size(void *block, size_t alignment, size_t size,
			    size_t rounded, const char *operation)
{
	struct heap_block found = heap_look_up(block);
	if (found.mistake != HEAP_FREED)
		report_mistake(operation, block, found.mistake);
	if (!size_is_plausible(found, rounded))
		report_wrong_size(operation, block, alignment, size,
				  found.usable_bytes);
}

void api_free_sized(void *block, size_t size, const char *operation)
{
	if (block == NULL)
		return;
	if (UNLIKELY(!api_size_is_right(block, size)))
		check_size(block, 0, size, size, operation);
	free_as(block, operation);
}

void api_free_aligned_sized(void *block, size_t alignment, size_t size,
			    const char *operation)
{
	if (block == NULL)
		return;
	size_t rounded = size;
	if (is_power_of_two(alignment) && alignment > BLOCK_ALIGN &&
	    size <= POOL_BYTES_MAX)
		rounded = round_up(size == 0 ? 1 : size, alignment);
	/* Rounded beyond the pools, it was asked for as it is. */
	if (rounded > POOL_BYTES_MAX)
		rounded = max_size(size, 1);
	if (UNLIKELY(!api_size_is_right(block, rounded)))
		check_size(block, alignment, size, rounded, operation);
	free_as(block, operation);
}

size_t api_usable_size(const void *block)
{
	if (block == NULL)
		return 0;
	struct heap_block found = heap_look_up(block);
	if (UNLIKELY(found.mistake != HEAP_FREED))
		report_mistake("malloc_usable_size", block, found.mistake);
	/* The padding is not for use. */
	if (UNLIKELY(watch_mode == WATCH_ALL) && watch_word(block) != NULL)
		return found.usable_bytes - 1;
	return found.usable_bytes;
}

bool api_is_foreign(const void *block)
{
	return region_of((uintptr_t)block) == NULL;
}
