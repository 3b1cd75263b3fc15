/*
 * store: chunks of mapped memory, handed out from the front.
 *
 *	| guard page | header, then what was taken ->      free | guard page |
 *
 * Law:   every chunk is in the list from `chunks`; the newest is its head.
 * Locks: store_lock guards everything here.
 */
#include "meta/store.h"

#include "base/arith.h"
#include "base/lock.h"
#include "os/memory.h"

#define FIRST_CHUNK_BYTES ((size_t)64 << 10)
#define CHUNK_BYTES_MAX ((size_t)1 << 20)

struct chunk {
	/* Fixed at creation. */
	struct chunk *next;
	size_t bytes;
};

struct lock store_lock CACHE_ALIGNED = LOCK_INIT(LOCK_STORE);

/* Guarded by store_lock, and apart from what others write. */
static struct chunk *chunks CACHE_ALIGNED;
static uintptr_t free_start, free_end;
static size_t next_chunk_bytes = FIRST_CHUNK_BYTES;

/* Maps a chunk with room for BYTES after its header. */
static bool add_chunk(size_t bytes)
{
	size_t page = os_page_bytes();
	size_t need = round_up(bytes + CACHE_LINE, page);
	size_t size = max_size(need, round_up(next_chunk_bytes, page));
	char *at = os_map(size + 2 * page);
	if (at == NULL) {
		size = need;
		at = os_map(size + 2 * page);
	}
	if (at == NULL)
		return false;
	/* Worth having, but not worth failing for. */
	os_make_inaccessible(at, page);
	os_make_inaccessible(at + page + size, page);
	struct chunk *chunk = (struct chunk *)(at + page);
	chunk->next = chunks;
	chunk->bytes = size;
	chunks = chunk;
	free_start = (uintptr_t)chunk + CACHE_LINE;
	free_end = (uintptr_t)chunk + size;
	/* What a process locks (mlockall) is all resident. */
	next_chunk_bytes =
		os_is_locked((uintptr_t)at)
			? FIRST_CHUNK_BYTES
			: min_size(next_chunk_bytes * 2, CHUNK_BYTES_MAX);
	return true;
}

void *store_take(size_t bytes, size_t align)
{
	void *taken = NULL;
	lock_acquire(&store_lock);
	uintptr_t start = round_up(free_start, align);
	if (free_start == 0 || start > free_end || free_end - start < bytes)
		start = add_chunk(bytes + align) ? round_up(free_start, align)
						 : 0;
	if (start != 0) {
		taken = (void *)start;
		free_start = start + bytes;
	}
	lock_release(&store_lock);
	return taken;
}

struct store_size store_size_locked(void)
{
	struct store_size size = {0};
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next) {
		size.writable_bytes += chunk->bytes;
		size.guard_bytes += 2 * os_page_bytes();
	}
	return size;
}

void store_visit_locked(void (*visit)(void *context, uintptr_t at,
				      size_t bytes),
			void *context)
{
	size_t page = os_page_bytes();
	for (struct chunk *chunk = chunks; chunk != NULL; chunk = chunk->next)
		visit(context, (uintptr_t)chunk - page,
		      chunk->bytes + 2 * page);
}
