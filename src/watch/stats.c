/*
 * stats: the walk and the sum.
 *
 * Law: live + rounding + free + magazines + cached + purged + metadata ==
 *      mapped.
 *
 *	region arrays   writable: metadata      read-only: purged
 *	store chunks    writable: metadata      guard pages: purged
 *	free slices     dirty: cached           clean: purged
 *	large blocks    requested: live         to the page: rounding,
 *	                                        behind it: purged
 *	pools           blocks in use: live, rounding, magazines;
 *	                purged pages: purged    the rest: free
 *
 * Nothing is walked: heaps count what they have, in batches. The size that a
 * small block was asked for is kept nowhere. Rounding is
 * estimated from the requests that came to refill a magazine of the class.
 */
#include "watch/stats.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "base/message.h"
#include "heap/arena.h"
#include "heap/heap.h"
#include "heap/large.h"
#include "heap/purge.h"
#include "heap/registry.h"
#include "heap/remote.h"
#include "meta/store.h"
#include "os/memory.h"
#include "os/system.h"

struct walk {
	struct tarn_stats *stats;
	/* Blocks of each class that are neither free nor remote. */
	uint64_t in_use[N_CLASSES];
	uint64_t in_magazines[N_CLASSES];
	struct request_sample requests[N_CLASSES];
	struct class_counts classes[N_CLASSES];
	struct large_counts large;
};

static void count_remote(void *context, const struct pool *pool, uint32_t n)
{
	struct walk *walk = context;
	walk->classes[pool->class].n_in_use -= n;
}

static void count_heap(struct walk *walk, const struct heap *heap)
{
	walk->stats->heaps += heap != &heap_common;
	walk->stats->parked_heaps += heap->is_parked;
	FOR_EACH_CLASS (class) {
		const struct request_sample *sample = &heap->requests[class];
		struct class_counts *counts = &walk->classes[class];
		walk->in_magazines[class] +=
			magazine_count(&heap->magazines[class]);
		walk->requests[class].n += load_relaxed(&sample->n);
		walk->requests[class].bytes += load_relaxed(&sample->bytes);
		counts->n_pools += heap->counts[class].n_pools;
		counts->n_in_use += heap->counts[class].n_in_use;
		counts->purged_bytes += heap->counts[class].purged_bytes;
	}
	walk->large.n_blocks += heap->large.n_blocks;
	walk->large.requested_bytes += heap->large.requested_bytes;
	walk->large.usable_bytes += heap->large.usable_bytes;
	walk->large.n_slices += heap->large.n_slices;
	remote_count_locked(heap, count_remote, walk);
}

static void add_large(struct tarn_stats *stats,
		      const struct large_counts *large)
{
	uint64_t requested = (uint64_t)large->requested_bytes;
	uint64_t usable = (uint64_t)large->usable_bytes;
	stats->live_bytes += requested;
	stats->rounding_bytes += usable - requested;
	stats->purged_bytes += (uint64_t)large->n_slices * SLICE_BYTES - usable;
	stats->live_blocks += (uint64_t)large->n_blocks;
	stats->large_blocks += (uint64_t)large->n_blocks;
	stats->large_bytes += usable;
}

/* What pools have that no block is in; returns their slices. */
static uint64_t add_pools(struct walk *walk)
{
	uint64_t n_slices = 0;
	FOR_EACH_CLASS (class) {
		const struct class_counts *counts = &walk->classes[class];
		uint64_t slices = counts->n_pools * class_pool_slices(class);
		uint64_t block = class_block_bytes(class);
		walk->in_use[class] = counts->n_in_use;
		walk->stats->pools += counts->n_pools;
		walk->stats->purged_bytes += counts->purged_bytes;
		walk->stats->free_bytes += slices * SLICE_BYTES -
					   counts->purged_bytes -
					   counts->n_in_use * block;
		n_slices += slices;
	}
	return n_slices;
}

/* What a live block of CLASS was asked for, on average. */
static uint64_t mean_request(const struct walk *walk, uint32_t class)
{
	struct request_sample sample = walk->requests[class];
	uint64_t block = class_block_bytes(class);
	uint64_t mean = sample.n == 0 ? block : sample.bytes / sample.n;
	return mean < block ? mean : block;
}

static void add_classes(struct walk *walk)
{
	struct tarn_stats *stats = walk->stats;
	FOR_EACH_CLASS (class) {
		uint64_t block = class_block_bytes(class);
		uint64_t at_hand = walk->in_magazines[class];
		/* Other threads' magazines move while we count. */
		if (at_hand > walk->in_use[class])
			at_hand = walk->in_use[class];
		uint64_t live = walk->in_use[class] - at_hand;
		uint64_t asked = mean_request(walk, class);
		stats->live_blocks += live;
		stats->live_bytes += live * asked;
		stats->rounding_bytes += live * (block - asked);
		stats->magazine_bytes += at_hand * block;
	}
}

/* What is mapped and no pool or large block is in: free in the arena, at hand
 * for heaps, or on the way between. */
static void count_slices(struct tarn_stats *stats, uint64_t n_in_blocks)
{
	struct arena_counts counts = arena_count_locked();
	uint64_t n_clean = counts.n_free_slices - counts.n_cached_slices;
	stats->arenas = counts.n_arenas;
	stats->cached_bytes +=
		(counts.n_mapped_slices - n_clean - n_in_blocks) * SLICE_BYTES;
	stats->purged_bytes += n_clean * SLICE_BYTES;
}

static void add_metadata(void *context, uintptr_t at, size_t bytes)
{
	struct tarn_stats *stats = context;
	(void)at;
	stats->metadata_bytes += bytes;
}

static void count_metadata(struct tarn_stats *stats)
{
	struct store_size store = store_size_locked();
	stats->metadata_bytes = store.writable_bytes;
	stats->purged_bytes += store.guard_bytes;
	region_visit_arrays_locked(add_metadata, stats);
}

void stats_visit_mappings(stats_mapping_visitor *visit, void *context)
{
	region_visit_arrays_locked(visit, context);
	arena_visit_mapped_locked(visit, context);
	store_visit_locked(visit, context);
}

/* Mappings, some at a time. */
#define MAPPINGS 64

struct mappings {
	struct {
		uintptr_t at;
		size_t bytes;
	} some[MAPPINGS];
	size_t n_before, n_seen;
};

static void keep_mapping(void *context, uintptr_t at, size_t bytes)
{
	struct mappings *mappings = context;
	size_t i = mappings->n_seen++ - mappings->n_before;
	if (i < MAPPINGS) {
		mappings->some[i].at = at;
		mappings->some[i].bytes = bytes;
	}
}

/* The kernel is asked without a lock: what is unmapped meanwhile is none. */
static void add_resident(struct tarn_stats *stats)
{
	struct mappings mappings = {.n_before = 0};
	do {
		mappings.n_seen = 0;
		lock_acquire(&arena_lock);
		lock_acquire(&store_lock);
		stats_visit_mappings(keep_mapping, &mappings);
		lock_release(&store_lock);
		lock_release(&arena_lock);
		size_t i = mappings.n_before;
		for (; i < mappings.n_seen && i < mappings.n_before + MAPPINGS;
		     i++) {
			size_t j = i - mappings.n_before;
			stats->resident_bytes += os_resident_bytes(
				mappings.some[j].at, mappings.some[j].bytes);
		}
		mappings.n_before += MAPPINGS;
	} while (mappings.n_before < mappings.n_seen);
	/* What was mapped since the other figures were taken is none of it. */
	stats->resident_bytes =
		min_size(stats->resident_bytes, stats->mapped_bytes);
}

void stats_collect_counts(struct tarn_stats *stats)
{
	struct walk walk = {.stats = stats};
	*stats = (struct tarn_stats){0};
	registry_lock_all();
	count_metadata(stats);
	struct heap *heap = registry_first();
	for (; heap != NULL; heap = heap->next)
		count_heap(&walk, heap);
	add_large(stats, &walk.large);
	uint64_t n_slices = add_pools(&walk) + (uint64_t)walk.large.n_slices;
	count_slices(stats, n_slices);
	add_classes(&walk);
	registry_unlock_all();
	stats->mapped_bytes = stats->live_bytes + stats->rounding_bytes +
			      stats->free_bytes + stats->magazine_bytes +
			      stats->cached_bytes + stats->purged_bytes +
			      stats->metadata_bytes;
	stats->purged_total_bytes = purge_total_bytes();
	stats->purge_calls = purge_total_calls();
}

void stats_collect(struct tarn_stats *stats)
{
	stats_collect_counts(stats);
	add_resident(stats);
}

/* --- for people and programs ------------------------------------------- */

struct page {
	char *buffer;
	size_t size;
	size_t length;
};

static PRINTF_LIKE(2, 3) void put(struct page *page, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	page->length +=
		message_format_list(page->buffer + page->length,
				    page->size - page->length, format, list);
	va_end(list);
}

/* "live        12.3 MiB   what it is" */
static void put_bytes(struct page *page, const char *name, uint64_t bytes,
		      const char *what)
{
	uint64_t tenths = (bytes * 10 + (512 << 10)) >> 20;
	char number[32];
	message_format(number, sizeof(number), "%llu.%c",
		       (unsigned long long)(tenths / 10),
		       (int)('0' + tenths % 10));
	put(page, "  %-16s%10s MiB   %s\n", name, number, what);
}

static void format_text(struct page *page, const struct tarn_stats *s)
{
	put(page, "tarn %s: %s (pid %d): where the memory is\n", TARN_VERSION,
	    os_program_name(), (int)os_process_id());
	put_bytes(page, "live", s->live_bytes, "asked for and not freed");
	put_bytes(page, "rounding", s->rounding_bytes,
		  "what that was rounded up by (small blocks: estimated)");
	put_bytes(page, "free in pools", s->free_bytes, "with pages behind it");
	put_bytes(page, "in magazines", s->magazine_bytes,
		  "free and at hand for threads");
	put_bytes(page, "cached", s->cached_bytes,
		  "free slices that keep their pages for a while");
	put_bytes(page, "purged", s->purged_bytes,
		  "no pages: given back or never touched");
	put_bytes(page, "metadata", s->metadata_bytes, "tarn's own");
	put_bytes(page, "= mapped", s->mapped_bytes, "the sum of the above");
	put_bytes(page, "resident", s->resident_bytes,
		  "of it in memory, says the kernel");
	put(page,
	    "  %llu blocks live, %llu of them large; %llu pools, "
	    "%llu arenas\n",
	    (unsigned long long)s->live_blocks,
	    (unsigned long long)s->large_blocks, (unsigned long long)s->pools,
	    (unsigned long long)s->arenas);
	put(page, "  %llu heaps, %llu of them parked\n",
	    (unsigned long long)s->heaps, (unsigned long long)s->parked_heaps);
	put_bytes(page, "given back", s->purged_total_bytes,
		  "to the system since the start");
}

/* Every field of struct tarn_stats, in its order. */
#define STATS_FIELDS(F)                                                        \
	F(live_bytes)                                                          \
	F(rounding_bytes)                                                      \
	F(free_bytes)                                                          \
	F(magazine_bytes)                                                      \
	F(cached_bytes)                                                        \
	F(purged_bytes)                                                        \
	F(metadata_bytes)                                                      \
	F(mapped_bytes)                                                        \
	F(resident_bytes)                                                      \
	F(live_blocks)                                                         \
	F(large_blocks)                                                        \
	F(large_bytes)                                                         \
	F(pools)                                                               \
	F(heaps)                                                               \
	F(parked_heaps)                                                        \
	F(arenas)                                                              \
	F(purged_total_bytes)                                                  \
	F(purge_calls)

/* A program's name may hold anything; what JSON would mind becomes '?'. */
static void put_json_name(struct page *page, const char *name)
{
	for (; *name != '\0'; name++) {
		unsigned char c = (unsigned char)*name;
		bool plain = c >= ' ' && c < 0x7f && c != '"' && c != '\\';
		put(page, "%c", plain ? c : '?');
	}
}

static void format_json(struct page *page, const struct tarn_stats *s)
{
	put(page, "{\"version\":\"%s\",\"program\":\"", TARN_VERSION);
	put_json_name(page, os_program_name());
	put(page, "\",\"pid\":%d", (int)os_process_id());
#define PUT_FIELD(field)                                                       \
	put(page, ",\"%s\":%llu", #field, (unsigned long long)s->field);
	STATS_FIELDS(PUT_FIELD)
#undef PUT_FIELD
	put(page, "}\n");
}

/* The elements glibc's malloc_info writes, and tarn's own after them. */
static void format_xml(struct page *page, const struct tarn_stats *s)
{
	uint64_t free_bytes = s->free_bytes + s->magazine_bytes;
	put(page, "<malloc version=\"1\">\n");
	put(page, "<total type=\"fast\" size=\"%llu\"/>\n",
	    (unsigned long long)s->magazine_bytes);
	put(page, "<total type=\"rest\" size=\"%llu\"/>\n",
	    (unsigned long long)free_bytes);
	put(page, "<total type=\"mmap\" count=\"%llu\"/>\n",
	    (unsigned long long)s->large_blocks);
	put(page, "<system type=\"current\" size=\"%llu\"/>\n",
	    (unsigned long long)s->mapped_bytes);
	put(page, "<tarn version=\"%s\"", TARN_VERSION);
#define PUT_FIELD(field)                                                       \
	put(page, " %s=\"%llu\"", #field, (unsigned long long)s->field);
	STATS_FIELDS(PUT_FIELD)
#undef PUT_FIELD
	put(page, "/>\n</malloc>\n");
}

size_t stats_format(char *buffer, size_t size, enum tarn_format format)
{
	struct page page = {.buffer = buffer, .size = size};
	struct tarn_stats stats;
	stats_collect(&stats);
	if (format == TARN_JSON)
		format_json(&page, &stats);
	else if (format == TARN_XML)
		format_xml(&page, &stats);
	else
		format_text(&page, &stats);
	return page.length;
}

bool stats_print(int fd, enum tarn_format format)
{
	char buffer[STATS_TEXT_BYTES];
	size_t length = stats_format(buffer, sizeof(buffer), format);
	return message_write(fd, buffer, length);
}
