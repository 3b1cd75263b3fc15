/*
 * watch: which blocks are noted.
 *
 * Sampling. A malloc that the magazine serves cannot be counted, so what is
 * counted is what a magazine was refilled with; blocks that stay are taken from
 * it sooner or later. But which malloc finds a magazine empty is not left to
 * chance: of a loop that keeps one block and frees another it is always the
 * second. So when it is a class's turn, its next blocks come one by one past
 * the magazine, and a random one of them is noted.
 */
#include "watch/watch.h"

#include "base/atomic.h"
#include "conf/conf.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/registry.h"
#include "meta/region.h"
#include "os/system.h"
#include "watch/sites.h"
#include "wire/wire.h"

#define SAMPLE_BYTES ((uint32_t)512 << 10)
/* While somebody watches, as close as this, but no more often than so: then the
 * distance doubles. */
#define CLOSE_SAMPLE_BYTES ((uint32_t)4 << 10)
#define WINDOW_MS 100
#define SAMPLES_IN_WINDOW 100
/* One of so many calls is noted. */
#define SINGLE_CALLS 8

enum watch_mode watch_mode;

/* Atomic, relaxed. */
static uint32_t sample_bytes = SAMPLE_BYTES;
static uint64_t watch_ends_ms; /* 0: never */

/* Atomic, relaxed: written for each sample while somebody watches. In a line of
 * its own, away from what malloc reads. */
static struct CACHE_ALIGNED {
	uint64_t start_ms;
	uint32_t n_samples;
} window;

/* Fixed at the start: whose pools have sites when not all have. */
static struct heap *sampled_heap;

void watch_start(void)
{
	static const enum watch_mode modes[] = {
		[CONF_SITES_OFF] = WATCH_OFF,
		[CONF_SITES_SAMPLED] = WATCH_SAMPLED,
		[CONF_SITES_ALL] = WATCH_ALL,
	};
	watch_mode = modes[conf.sites];
	heap_sites_for_all = watch_mode == WATCH_ALL;
	if (watch_mode == WATCH_ALL)
		conf.check = true;
}

uint32_t watch_flags(void)
{
	switch (watch_mode) {
	case WATCH_ALL:
		return WIRE_SITES_ALL;
	case WATCH_SAMPLED:
		return WIRE_SITES_SAMPLED;
	case WATCH_OFF:
	case WATCH_IGNORING:
		break;
	}
	return 0;
}

uint32_t *watch_word(const void *block)
{
	uintptr_t address = (uintptr_t)block;
	struct region *region = region_of(address);
	if (region == NULL)
		return NULL;
	size_t slice = region_slice(region, address);
	uint32_t entry = region_entry(region, slice);
	if (entry_is_large(entry))
		return &region->sites[slice];
	if (!entry_is_pool(entry))
		return NULL;
	struct pool *pool = region_descriptor(region, slice);
	return pool->has_sites ? &pool->sites[pool_slot(pool, address)] : NULL;
}

static bool is_ignoring(const struct heap *heap)
{
	return heap_is_attached(heap) && heap->n_ignoring > 0;
}

NOINLINE void watch_note(void *block)
{
	uint32_t *word = watch_word(block);
	uint32_t site = watch_mode < WATCH_SAMPLED ? 0 : sites_note();
	if (word != NULL)
		store_relaxed(word, is_ignoring(heap_mine)
					    ? site | WATCH_IGNORED
					    : site);
}

static uint64_t next_random(struct heap *heap)
{
	uint64_t x = heap->random;
	if (x == 0)
		x = os_random() | 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return heap->random = x;
}

/* Half of the mean to one and a half: enough not to keep step with a loop. */
static int64_t next_distance(struct heap *heap)
{
	uint32_t mean = load_relaxed(&sample_bytes);
	return mean / 2 + (int64_t)(next_random(heap) % mean);
}

/* The heap whose pools have sites, made when it is first needed. */
static struct heap *sampled(void)
{
	struct heap *heap = load_acquire(&sampled_heap);
	struct heap *none = NULL;
	if (heap != NULL)
		return heap;
	heap = registry_make();
	if (heap == NULL)
		return NULL;
	heap->has_sites = true;
	if (__atomic_compare_exchange_n(&sampled_heap, &none, heap, 0,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return heap;
	/* Another thread was faster; ours will serve some thread. */
	heap->has_sites = false;
	registry_park(heap);
	return none;
}

static void *take_noted(uint32_t class)
{
	struct heap *heap = sampled();
	void *block = heap == NULL ? NULL : heap_take_one(heap, class);
	if (block != NULL)
		watch_note(block);
	return block;
}

static void end_watch(void)
{
	store_relaxed(&watch_ends_ms, 0);
	store_relaxed(&sample_bytes, SAMPLE_BYTES);
	store_relaxed(&watch_mode, WATCH_IGNORING);
}

/* To be called for each sample. Threads may count a few too many or too few. */
static void limit_watch(void)
{
	uint64_t end_ms = load_relaxed(&watch_ends_ms);
	if (end_ms == 0)
		return;
	uint64_t now_ms = os_now_ms();
	uint32_t n = load_relaxed(&window.n_samples) + 1;
	if (now_ms > end_ms) {
		end_watch();
		return;
	}
	if (now_ms - load_relaxed(&window.start_ms) >= WINDOW_MS) {
		store_relaxed(&window.start_ms, now_ms);
		n = 0;
	} else if (n > SAMPLES_IN_WINDOW) {
		uint32_t mean = load_relaxed(&sample_bytes);
		if (mean < SAMPLE_BYTES)
			store_relaxed(&sample_bytes, 2 * mean);
		n = 0;
	}
	store_relaxed(&window.n_samples, n);
}

void watch_for(uint32_t ms)
{
	if (load_relaxed(&watch_mode) >= WATCH_SAMPLED &&
	    load_relaxed(&watch_ends_ms) == 0)
		return;
	if (ms == 0) {
		if (load_relaxed(&watch_ends_ms) != 0)
			end_watch();
		return;
	}
	store_relaxed(&watch_ends_ms, os_now_ms() + ms);
	store_relaxed(&sample_bytes, CLOSE_SAMPLE_BYTES);
	store_relaxed(&watch_mode, WATCH_SAMPLED);
}

uint64_t watch_sample_bytes(void)
{
	return watch_mode == WATCH_SAMPLED ? load_relaxed(&sample_bytes) : 0;
}

void *watch_take_sampled(uint32_t class)
{
	struct heap *heap = heap_mine;
	if (watch_mode == WATCH_ALL || !heap_is_attached(heap))
		return NULL;
	if (is_ignoring(heap))
		return take_noted(class);
	if (watch_mode != WATCH_SAMPLED) {
		if (heap->single_class < N_CLASSES)
			heap_take_singly(heap, N_CLASSES);
		return NULL;
	}
	if (heap->single_class == class) {
		if (--heap->calls_to_sample > 0)
			return NULL;
		limit_watch();
		heap_take_singly(heap, N_CLASSES);
		heap->bytes_to_sample[class] = next_distance(heap);
		return take_noted(class);
	}
	if (heap->bytes_to_sample[class] < 0 &&
	    heap->single_class == N_CLASSES) {
		heap->calls_to_sample =
			1 + (uint32_t)(next_random(heap) % SINGLE_CALLS);
		heap_take_singly(heap, class);
	}
	return NULL;
}

bool watch_is_large_due(struct heap *heap, size_t size)
{
	if (is_ignoring(heap))
		return true;
	if (watch_mode != WATCH_SAMPLED || !heap_is_attached(heap))
		return false;
	heap->large_bytes_to_sample -= (int64_t)size;
	if (heap->large_bytes_to_sample >= 0)
		return false;
	heap->large_bytes_to_sample = next_distance(heap);
	return true;
}

void watch_ignore(bool ignore)
{
	struct heap *heap = heap_mine;
	if (!heap_is_attached(heap) || (!ignore && heap->n_ignoring == 0))
		return;
	heap->n_ignoring += ignore ? 1 : UINT32_MAX;
	if (watch_mode == WATCH_OFF)
		store_relaxed(&watch_mode, WATCH_IGNORING);
	if (heap->n_ignoring == 0)
		heap_take_singly(heap, N_CLASSES);
	else if (heap->n_ignoring == 1)
		heap_take_singly(heap, HEAP_ALL_SINGLY);
}
