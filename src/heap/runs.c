/*
 * runs: cells, batches, and how many bytes may wait.
 */
#include "heap/runs.h"

#include <string.h>

#include "base/arith.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/heap.h"

/* So many bytes may wait; more takes that so many times more has lately come
 * back, or from the arena, and the most is what magazines may hold (the option
 * `magazine`, not divided). All that waits counts as idle (heap/idle.h), of
 * which there may not be much however many threads there are. */
#define RUNS_BYTES_MIN ((size_t)512 << 10)
#define FLOWS_A_ROOM 16

/* A batch is for a part of the room at least. */
#define BATCHES_A_ROOM 4

/* A length is used seldom if such a part of the room has been taken and given
 * since. */
#define SELDOM_A_ROOM 2

/* A length is not wanted now if so many times what there is room for has been
 * taken and given since its last use. */
#define ROOMS_TO_BE_IDLE 2

#define HAS_PAGES ((uintptr_t)1)

static uint8_t n_cells(size_t n_slices)
{
	return n_slices <= RUNS_SLICES_MANY ? RUNS_CELLS_MANY : RUNS_CELLS_FEW;
}

static uintptr_t *cells_of(struct runs *runs, size_t n_slices)
{
	if (n_slices <= RUNS_SLICES_MANY)
		return runs->cells + (n_slices - 1) * RUNS_CELLS_MANY;
	return runs->cells + RUNS_SLICES_MANY * RUNS_CELLS_MANY +
	       (n_slices - RUNS_SLICES_MANY - 1) * RUNS_CELLS_FEW;
}

/* Keeps what the descriptor says, by which a double free is known. */
static void enter(uintptr_t base, uint32_t entry)
{
	struct region *region = region_of(base);
	store_relaxed(&region->map[region_slice(region, base)], entry);
}

static void count_one(struct heap *heap, size_t n_slices, bool has_pages,
		      long sign)
{
	size_t bytes = n_slices * SLICE_BYTES;
	heap->runs.bytes += (size_t)sign * bytes;
	if (!has_pages) {
		idle_note_absent_locked(&heap->idle, sign * (int64_t)bytes);
		return;
	}
	heap->runs.used_bytes += (size_t)sign * bytes;
	idle_note_locked(&heap->idle, sign * (int64_t)bytes);
}

static void push(struct heap *heap, uintptr_t base, size_t n_slices,
		 bool has_pages)
{
	struct runs *runs = &heap->runs;
	ASSERT(runs->n[n_slices] < n_cells(n_slices));
	cells_of(runs, n_slices)[runs->n[n_slices]++] =
		base | (has_pages ? HAS_PAGES : 0);
	enter(base, heap->key | CODE_CACHED);
	count_one(heap, n_slices, has_pages, 1);
}

/* The older half, or all, of one length goes to the arena. */
static void give_some(struct heap *heap, size_t n_slices, uint8_t n)
{
	struct runs *runs = &heap->runs;
	struct run used[RUNS_CELLS_MANY], clean[RUNS_CELLS_MANY];
	size_t n_used = 0, n_clean = 0;
	uintptr_t *cells = cells_of(runs, n_slices);
	for (uint8_t i = 0; i < n; i++) {
		bool has_pages = cells[i] & HAS_PAGES;
		struct run run = {cells[i] & ~HAS_PAGES, n_slices};
		enter(run.base, 0);
		count_one(heap, n_slices, has_pages, -1);
		if (has_pages)
			used[n_used++] = run;
		else
			clean[n_clean++] = run;
	}
	runs->n[n_slices] -= n;
	memmove(cells, cells + n, runs->n[n_slices] * sizeof(*cells));
	if (n_used > 0)
		arena_give_some(used, n_used, true);
	if (n_clean > 0)
		arena_give_some(clean, n_clean, false);
}

static size_t room_bytes(const struct heap *heap)
{
	size_t warranted =
		RUNS_BYTES_MIN + (size_t)(heap->runs.flow_bytes / FLOWS_A_ROOM);
	return min_size(warranted, conf.magazine_bytes);
}

static void note_use(struct runs *runs, size_t n_slices)
{
	runs->clock_bytes += n_slices * SLICE_BYTES;
	runs->used_at[n_slices] = runs->clock_bytes;
}

static bool is_used_since(const struct runs *runs, size_t n_slices,
			  uint64_t clock_bytes)
{
	return runs->used_at[n_slices] > clock_bytes;
}

static void give_half(struct heap *heap, size_t n_slices)
{
	struct runs *runs = &heap->runs;
	uint8_t n = runs->n[n_slices];
	runs->has_given[n_slices] = true;
	give_some(heap, n_slices, (uint8_t)(n - n / 2));
}

/* Makes room: the length that has most bytes of those that are not wanted now
 * gives all, and where there is none, of all lengths half. */
static void give_most(struct heap *heap, size_t room)
{
	struct runs *runs = &heap->runs;
	uint64_t recent = runs->clock_bytes -
			  min_size(runs->clock_bytes, ROOMS_TO_BE_IDLE * room);
	size_t idle = 0, most = 1;
	for (size_t n = 1; n <= RUNS_SLICES_MAX; n++) {
		if (runs->n[n] * n > runs->n[most] * most)
			most = n;
		if (!is_used_since(runs, n, recent) &&
		    runs->n[n] * n > runs->n[idle] * idle)
			idle = n;
	}
	if (idle != 0)
		give_some(heap, idle, runs->n[idle]);
	else
		give_half(heap, most);
}

/*
 * More of a length are asked for the more often it runs out: for as much as
 * there is room, or for a part of it where other lengths have taken that. Fewer
 * of one that is seldom used; and of one that had to be given back, else bursts
 * that just fit would give and take the same runs in turns.
 */
static uint8_t next_batch(struct heap *heap, size_t n_slices)
{
	struct runs *runs = &heap->runs;
	size_t room = room_bytes(heap);
	size_t bytes = max_size(room - min_size(room, runs->bytes),
				room / BATCHES_A_ROOM);
	size_t most = min_size(n_cells(n_slices) / 2,
			       bytes / (n_slices * SLICE_BYTES));
	size_t last = runs->batch[n_slices];
	bool is_seldom = runs->clock_bytes - runs->used_at[n_slices] >
			 room / SELDOM_A_ROOM;
	size_t batch =
		is_seldom || runs->has_given[n_slices] ? last / 2 : 2 * last;
	batch = max_size(min_size(batch, most), 1);
	runs->has_given[n_slices] = false;
	runs->batch[n_slices] = (uint8_t)batch;
	return (uint8_t)batch;
}

/* One from the arena. What has no pages beside some that have counts as if it
 * had from here. */
static void push_fresh(struct heap *heap, uintptr_t base, size_t n_slices)
{
	size_t n_clean = arena_count_clean((void *)base, n_slices);
	bool has_pages = n_clean < n_slices;
	if (has_pages && n_clean > 0)
		idle_note_touched_locked(&heap->idle, n_clean * SLICE_BYTES);
	push(heap, base, n_slices, has_pages);
}

uintptr_t runs_take_locked(struct heap *heap, size_t n_slices, bool *is_clean)
{
	struct runs *runs = &heap->runs;
	uintptr_t *cells = cells_of(runs, n_slices);
	if (runs->n[n_slices] == 0) {
		uintptr_t bases[RUNS_CELLS_MANY];
		size_t n = arena_take_some(n_slices, next_batch(heap, n_slices),
					   bases);
		runs->flow_bytes += n * n_slices * SLICE_BYTES;
		/* The lowest address comes first. */
		while (n > 0)
			push_fresh(heap, bases[--n], n_slices);
	}
	note_use(runs, n_slices);
	if (runs->n[n_slices] == 0)
		return 0;
	uintptr_t cell = cells[--runs->n[n_slices]];
	/* Until it is described it is nobody's. */
	enter(cell & ~HAS_PAGES, 0);
	*is_clean = !(cell & HAS_PAGES);
	count_one(heap, n_slices, !*is_clean, -1);
	if (*is_clean)
		idle_note_touched_locked(&heap->idle, n_slices * SLICE_BYTES);
	return cell & ~HAS_PAGES;
}

static void give(struct heap *heap, uintptr_t base, size_t n_slices,
		 bool has_pages)
{
	struct runs *runs = &heap->runs;
	size_t bytes = n_slices * SLICE_BYTES;
	note_use(runs, n_slices);
	runs->flow_bytes += bytes;
	if (runs->n[n_slices] == n_cells(n_slices))
		give_half(heap, n_slices);
	size_t room = room_bytes(heap);
	while (runs->bytes != 0 && runs->bytes + bytes > room)
		give_most(heap, room);
	push(heap, base, n_slices, has_pages);
}

void runs_give_locked(struct heap *heap, uintptr_t base, size_t n_slices)
{
	give(heap, base, n_slices, true);
}

void runs_give_clean_locked(struct heap *heap, uintptr_t base, size_t n_slices)
{
	give(heap, base, n_slices, false);
}

void runs_empty_locked(struct heap *heap, bool idle_only)
{
	struct runs *runs = &heap->runs;
	for (size_t n = 1; n <= RUNS_SLICES_MAX; n++) {
		runs->batch[n] /= 2;
		if (runs->n[n] > 0 &&
		    !(idle_only && is_used_since(runs, n, runs->tick_at)))
			give_some(heap, n, runs->n[n]);
	}
	if (!idle_only)
		return;
	runs->flow_bytes /= 2;
	runs->tick_at = runs->clock_bytes;
}

size_t runs_count_slices(const struct runs *runs)
{
	size_t sum = 0;
	for (size_t n = 1; n <= RUNS_SLICES_MAX; n++)
		sum += runs->n[n] * n;
	return sum;
}
