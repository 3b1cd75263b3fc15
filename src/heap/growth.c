/*
 * growth: one sum, and where it was.
 *
 * Where the program shrinks the start goes down with it: what it allocates
 * after that is growth, as in other collectors, which do not count below
 * nothing.
 */
#include "heap/growth.h"

#include "base/atomic.h"
#include "conf/conf.h"
#include "os/system.h"

void (*growth_due)(void);

/* Atomic, relaxed: they need not agree to the byte. */
static int64_t total_bytes;
static int64_t start_bytes;
static uint64_t start_ms;

static void add_heap(struct heap *heap)
{
	lock_acquire(&heap->lock);
	int64_t bytes = heap->grown_bytes;
	heap->grown_bytes = 0;
	lock_release(&heap->lock);
	if (bytes != 0)
		fetch_add_relaxed(&total_bytes, bytes);
	int64_t total = load_relaxed(&total_bytes);
	if (total < load_relaxed(&start_bytes))
		store_relaxed(&start_bytes, total);
}

void growth_add_own(void)
{
	if (heap_is_attached(heap_mine))
		add_heap(heap_mine);
}

int64_t growth_bytes(void)
{
	int64_t bytes = load_relaxed(&total_bytes) - load_relaxed(&start_bytes);
	return bytes < 0 ? 0 : bytes;
}

uint64_t growth_ms(void)
{
	uint64_t now = os_now_ms(), since = load_relaxed(&start_ms);
	return now > since ? now - since : 0;
}

void growth_start(void)
{
	store_relaxed(&start_bytes, load_relaxed(&total_bytes));
	store_relaxed(&start_ms, os_now_ms());
}

void growth_poll(struct heap *heap, uint64_t now)
{
	size_t most_bytes = load_relaxed(&conf.collect_bytes);
	uint64_t most_ms = load_relaxed(&conf.collect_ms);
	void (*due)(void) = load_relaxed(&growth_due);
	add_heap(heap);
	add_heap(&heap_common);
	uint64_t since = load_relaxed(&start_ms);
	bool is_grown =
		most_bytes != 0 && (uint64_t)growth_bytes() >= most_bytes;
	bool is_late = most_ms != 0 && most_ms != CONF_NEVER && now > since &&
		       now - since >= most_ms;
	if (due != NULL && (is_grown || is_late))
		due();
}
