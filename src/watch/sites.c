/*
 * sites: a hash table that is only ever added to.
 *
 * Law: a site is complete before it can be found: its link, and its place by
 *      number, are stored with release and read with acquire.
 */
#include "watch/sites.h"

#include <string.h>

#include "base/atomic.h"
#include "base/attr.h"
#include "base/lock.h"
#include "meta/store.h"
#include "watch/modules.h"
#include "watch/stack.h"

#define BUCKETS 16384
#define PAGE_SITES 1024
#define PAGES_MAX 1024

struct site {
	/* Fixed at creation. */
	struct site *next;
	uint64_t hash;
	uint32_t number;
	uint32_t generation;
	uint32_t n_frames;
	struct wire_frame frames[];
};

/* Atomic: the newest site of each bucket. */
static struct site *buckets[BUCKETS];
/* Atomic: sites by number. */
static struct site **pages[PAGES_MAX];
static uint32_t n_sites;
/* Atomic: how often code was unloaded. */
static uint32_t generation;
/* Atomic, relaxed. */
static bool has_started;

void sites_start(void)
{
	store_relaxed(&has_started, true);
}

void sites_forget_code(void)
{
	fetch_add_relaxed(&generation, 1);
	stack_forget();
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* The address of a frame in its module is what the process had, less this. */
static uintptr_t bias_of(uint32_t module)
{
	return module == 0 ? 0 : modules_get(module)->wire.bias;
}

static bool is_same(const struct site *site, uint64_t hash, uint32_t now,
		    const uintptr_t *stack, uint32_t depth)
{
	if (site->hash != hash || site->generation != now ||
	    site->n_frames != depth)
		return false;
	for (uint32_t i = 0; i < depth; i++) {
		const struct wire_frame *frame = &site->frames[i];
		if (frame->address + bias_of(frame->module) != stack[i])
			return false;
	}
	return true;
}

static struct site *find(uint64_t hash, uint32_t now, const uintptr_t *stack,
			 uint32_t depth)
{
	struct site *site = load_acquire(&buckets[hash % BUCKETS]);
	while (site != NULL && !is_same(site, hash, now, stack, depth))
		site = site->next;
	return site;
}

/* The place for the site with the next number; NULL if there is none. */
static struct site **next_place(void)
{
	uint32_t page = n_sites / PAGE_SITES;
	if (page == PAGES_MAX)
		return NULL;
	if (pages[page] == NULL)
		store_release(&pages[page],
			      store_take(PAGE_SITES * sizeof(struct site *),
					 CACHE_LINE));
	return pages[page] == NULL ? NULL : &pages[page][n_sites % PAGE_SITES];
}

static struct site *add_locked(uint64_t hash, uint32_t now,
			       const uintptr_t *stack, uint32_t depth)
{
	struct site **place = next_place();
	struct site *site =
		store_take(sizeof(*site) + depth * sizeof(site->frames[0]),
			   _Alignof(struct site));
	if (place == NULL || site == NULL)
		return NULL;
	site->next = buckets[hash % BUCKETS];
	site->hash = hash;
	site->number = n_sites + 1;
	site->generation = now;
	site->n_frames = depth;
	for (uint32_t i = 0; i < depth; i++) {
		uint32_t module = modules_find_locked(stack[i] - 1);
		site->frames[i].module = module;
		site->frames[i].address = stack[i] - bias_of(module);
	}
	store_release(place, site);
	store_release(&n_sites, n_sites + 1);
	store_release(&buckets[hash % BUCKETS], site);
	return site;
}

NOINLINE uint32_t sites_note(void)
{
	uintptr_t stack[SITE_FRAMES_MAX];
	uint32_t now = load_relaxed(&generation);
	if (!load_relaxed(&has_started))
		return 0;
	uint32_t depth = stack_capture(stack, SITE_FRAMES_MAX);
	uint64_t hash = mix(0, now);
	for (uint32_t i = 0; i < depth; i++)
		hash = mix(hash, stack[i]);
	struct site *site = find(hash, now, stack, depth);
	if (site == NULL) {
		lock_acquire(&modules_lock);
		site = find(hash, now, stack, depth);
		if (site == NULL)
			site = add_locked(hash, now, stack, depth);
		lock_release(&modules_lock);
	}
	return site == NULL ? 0 : site->number;
}

uint32_t sites_count(void)
{
	return load_acquire(&n_sites);
}

uint32_t sites_frames(uint32_t site, const struct wire_frame **frames)
{
	if (site == 0 || site > sites_count())
		return 0;
	struct site **page = load_acquire(&pages[(site - 1) / PAGE_SITES]);
	const struct site *found = load_acquire(&page[(site - 1) % PAGE_SITES]);
	*frames = found->frames;
	return found->n_frames;
}
