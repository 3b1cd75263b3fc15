/*
 * idle: the sum, the bound, and what it has learnt.
 */
#include "heap/idle.h"

#include "base/arith.h"
#include "base/atomic.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/share.h"
#include "os/available.h"
#include "os/system.h"

/* What is free may have so many bytes of pages in any case; of that magazines
 * and runs at hand have their share, and the rest is the least of the bound. */
#define FREE_BYTES ((size_t)36 << 20)

/* A heap that has taken so much more than it has freed is one whose blocks
 * others free: it teaches by all it takes. */
#define FIRST_BYTES ((size_t)4 << 20)

/* Of what is in use, so much may be idle in any case. */
#define IN_USE_AN_IDLE 10

/* Atomic, relaxed, all of it: each word stands alone. */
static struct {
	int64_t bytes;	      /* in pools and runs */
	int64_t absent_bytes; /* in pools and runs, and not in memory */
} sum CACHE_ALIGNED;

static struct {
	size_t learnt_bytes; /* what the bound is above the least */
	size_t missed_bytes; /* purged, and not yet touched anew; since: */
	uint64_t missed_ms;
	size_t by_default; /* what `cache` is when it says 0 */
} bound CACHE_ALIGNED = {.by_default = IDLE_BYTES_MIN};

void idle_note(int64_t bytes)
{
	fetch_add_relaxed(&sum.bytes, bytes);
}

/* Adds to what a heap has not told yet, and tells it when it is a step. */
static ALWAYS_INLINE void note(int64_t *untold, int64_t *total, int64_t bytes)
{
	uint64_t step = share_step_bytes();
	*untold += bytes;
	if (LIKELY((uint64_t)*untold + step < 2 * step))
		return;
	fetch_add_relaxed(total, *untold);
	*untold = 0;
}

void idle_note_locked(struct idle_share *share, int64_t bytes)
{
	note(&share->bytes, &sum.bytes, bytes);
}

void idle_note_absent_locked(struct idle_share *share, int64_t bytes)
{
	note(&share->absent_bytes, &sum.absent_bytes, bytes);
}

/* What `cache` says, or the default: a sixteenth of what there is. */
static size_t most_bytes(void)
{
	size_t most = load_relaxed(&conf.cache_bytes);
	return most != 0 ? most : load_relaxed(&bound.by_default);
}

void idle_start(void)
{
	store_relaxed(&bound.by_default,
		      max_size(os_available_bytes() / 16, IDLE_BYTES_MIN));
}

/* What is in memory and in use: blocks, and what lies untouched in them. */
static size_t used_bytes(void)
{
	int64_t bytes = (int64_t)arena_in_use_bytes() -
			load_relaxed(&sum.absent_bytes) -
			load_relaxed(&sum.bytes);
	return bytes < 0 ? 0 : (size_t)bytes;
}

static size_t bound_bytes(void)
{
	size_t most = most_bytes();
	if (load_relaxed(&conf.decay_ms) == CONF_NEVER)
		return most;
	if (load_relaxed(&conf.decay_ms) == 0)
		return 0;
	size_t at_hand = share_all_bytes();
	size_t least = at_hand > FREE_BYTES - IDLE_BYTES_MIN
			       ? IDLE_BYTES_MIN
			       : FREE_BYTES - at_hand;
	least = max_size(least, used_bytes() / IN_USE_AN_IDLE);
	return min_size(least + load_relaxed(&bound.learnt_bytes), most);
}

bool idle_is_learning(void)
{
	return load_relaxed(&bound.missed_bytes) != 0;
}

void idle_note_touched(size_t bytes)
{
	size_t missed = load_relaxed(&bound.missed_bytes);
	if (LIKELY(missed == 0))
		return;
	if (os_now_ms() - load_relaxed(&bound.missed_ms) >
	    load_relaxed(&conf.decay_ms)) {
		store_relaxed(&bound.missed_bytes, 0);
		return;
	}
	/* Threads that race here teach a little more or less. */
	size_t again = min_size(bytes, missed);
	store_relaxed(&bound.missed_bytes, missed - again);
	store_relaxed(&bound.learnt_bytes,
		      min_size(load_relaxed(&bound.learnt_bytes) + again,
			       most_bytes()));
}

void idle_note_touched_locked(struct idle_share *share, size_t bytes)
{
	size_t again = min_size(bytes, share->freed_bytes);
	share->freed_bytes -= again;
	if (share->first_bytes >= FIRST_BYTES)
		again = bytes;
	else
		share->first_bytes += bytes - again;
	share->touched_bytes += again;
	if (LIKELY(share->touched_bytes < share_step_bytes()))
		return;
	idle_note_touched(share->touched_bytes);
	share->touched_bytes = 0;
}

size_t idle_bytes(void)
{
	int64_t bytes = load_relaxed(&sum.bytes);
	return (bytes < 0 ? 0 : (size_t)bytes) + arena_cached_bytes();
}

static NOINLINE size_t excess_bytes(size_t bytes)
{
	size_t most = bound_bytes();
	return bytes > most ? bytes - most : 0;
}

size_t idle_excess_bytes(size_t more_bytes)
{
	size_t bytes = idle_bytes() + more_bytes;
	if (LIKELY(bytes <= IDLE_BYTES_MIN) &&
	    load_relaxed(&conf.decay_ms) != 0 &&
	    load_relaxed(&conf.cache_bytes) == 0)
		return 0;
	return excess_bytes(bytes);
}

void idle_note_purged(size_t bytes)
{
	if (bytes == 0)
		return;
	fetch_add_relaxed(&bound.missed_bytes, bytes);
	store_relaxed(&bound.missed_ms, os_now_ms());
}

void idle_note_unwanted(size_t bytes)
{
	size_t learnt = load_relaxed(&bound.learnt_bytes);
	store_relaxed(&bound.learnt_bytes, learnt - min_size(learnt, bytes));
}
