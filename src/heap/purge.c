/*
 * purge: one place for the call, and for who is in it.
 */
#include "heap/purge.h"

#include "base/atomic.h"
#include "heap/heap.h"
#include "os/memory.h"
#include "os/watched.h"

/* Atomic, relaxed. */
static struct {
	uint64_t bytes;
	uint64_t n_calls;
} total CACHE_ALIGNED;

void purge_begin_loud(void)
{
	if (heap_is_attached(heap_mine))
		heap_mine->n_loud++;
}

void purge_end_loud(void)
{
	if (heap_is_attached(heap_mine))
		heap_mine->n_loud--;
}

bool purge_may_be_loud(void)
{
	return !os_is_watched() ||
	       (heap_is_attached(heap_mine) && heap_mine->is_freeing_large);
}

bool purge_is_loud(void)
{
	return heap_is_attached(heap_mine) && heap_mine->n_loud > 0;
}

bool purge_pages(uintptr_t at, size_t bytes)
{
	purge_begin_loud();
	bool purged = os_purge(at, bytes);
	purge_end_loud();
	if (purged) {
		fetch_add_relaxed(&total.bytes, bytes);
		fetch_add_relaxed(&total.n_calls, 1);
	}
	return purged;
}

uint64_t purge_total_bytes(void)
{
	return load_relaxed(&total.bytes);
}

uint64_t purge_total_calls(void)
{
	return load_relaxed(&total.n_calls);
}
