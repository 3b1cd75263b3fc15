/*
 * parking: lists by class, and the stack of those with remote frees.
 */
#include "heap/parking.h"

#include "base/atomic.h"
#include "heap/heap_pools.h"
#include "heap/remote.h"

/* Guarded by the registry's lock: by class, linked by next_with_room. */
static struct heap *with_room[N_CLASSES];

/* Bit c: with_room[c] is not empty. Atomic, relaxed, written under that lock:
 * who reads it too late makes a pool more, or looks in vain. */
static uint64_t classes_with_room CACHE_ALIGNED;

static void note_room(uint32_t class)
{
	uint64_t bit = UINT64_C(1) << class;
	uint64_t others = classes_with_room & ~bit;
	store_relaxed(&classes_with_room,
		      with_room[class] != NULL ? others | bit : others);
}

bool parking_may_have(uint32_t class)
{
	return (load_relaxed(&classes_with_room) >> class & 1) ||
	       remote_has_parked();
}

static bool may_have_room(const struct heap *heap, uint32_t class)
{
	return magazine_count(&heap->magazines[class]) > 0 ||
	       heap_has_room_locked(heap, class);
}

void parking_enter_locked(struct heap *heap)
{
	FOR_EACH_CLASS (class) {
		if (heap->is_with_room[class] || !may_have_room(heap, class))
			continue;
		heap->is_with_room[class] = true;
		heap->next_with_room[class] = with_room[class];
		with_room[class] = heap;
		note_room(class);
	}
}

static bool adopt_from(struct heap *heap, struct heap *from, uint32_t class)
{
	/* What lies in its magazine may be of that very pool; pools that are
	 * unused then go to the arena, where HEAP finds them next. */
	heap_empty_magazine_locked(from, class);
	runs_empty_locked(from, false);
	return heap_adopt_pool_locked(heap, from, class);
}

static bool adopt_listed(struct heap *heap, uint32_t class)
{
	struct heap **at = &with_room[class], *from;
	while ((from = *at) != NULL) {
		bool adopted = false;
		if (from->is_parked && !lock_try(&from->lock)) {
			at = &from->next_with_room[class];
			continue;
		}
		if (from->is_parked) {
			adopted = adopt_from(heap, from, class);
			lock_release(&from->lock);
		}
		if (adopted)
			return true;
		*at = from->next_with_room[class];
		from->is_with_room[class] = false;
	}
	return false;
}

/*
 * Drains those on the stack until one has room. The rest goes back on it, and
 * so does who is busy.
 */
static void drain_flagged(uint32_t class)
{
	struct heap *heap = remote_take_parked(), *next;
	bool has_found = false;
	for (; heap != NULL; heap = next) {
		next = load_relaxed(&heap->next_flagged);
		/* Before it is drained: who flags a pool now pushes again. */
		(void)exchange_seq_cst(&heap->is_flagged, false);
		if (has_found || !lock_try(&heap->lock)) {
			remote_push_parked(heap);
			continue;
		}
		heap_drain_locked(heap);
		if (heap->is_parked) {
			runs_empty_locked(heap, false);
			parking_enter_locked(heap);
		}
		has_found = heap->is_parked && heap->is_with_room[class];
		lock_release(&heap->lock);
	}
}

bool parking_adopt_locked(struct heap *heap, uint32_t class)
{
	bool adopted = adopt_listed(heap, class);
	if (!adopted) {
		drain_flagged(class);
		adopted = adopt_listed(heap, class);
	}
	note_room(class);
	return adopted;
}
