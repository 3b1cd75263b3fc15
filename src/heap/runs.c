/*
 * runs: cells, batches, and how many bytes may wait.
 */
#include "heap/runs.h"

#include <string.h>

#include "base/arith.h"
#include "conf/conf.h"
#include "heap/arena.h"
#include "heap/heap.h"

/* So many bytes may wait; more takes that so many times more has lately been
 * given back, and the most is what magazines may hold (the option `magazine`,
 * not divided). All that waits counts as idle (heap/idle.h), of which there may
 * not be much however many threads there are. */
#define RUNS_BYTES_MIN ((size_t)512 << 10)
#define FLOWS_A_ROOM 16

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
	if (!has_pages)
		return;
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

/* The length that has most bytes gives half of them. */
static void give_most(struct heap *heap)
{
	struct runs *runs = &heap->runs;
	size_t most = 1;
	for (size_t n = 2; n <= RUNS_SLICES_MAX; n++)
		if (runs->n[n] * n > runs->n[most] * most)
			most = n;
	give_some(heap, most, (uint8_t)(runs->n[most] - runs->n[most] / 2));
}

static size_t room_bytes(const struct heap *heap)
{
	size_t warranted =
		RUNS_BYTES_MIN + (size_t)(heap->runs.flow_bytes / FLOWS_A_ROOM);
	return min_size(warranted, conf.magazine_bytes);
}

/* More of a length are asked for the more often it runs out. */
static uint8_t next_batch(struct heap *heap, size_t n_slices)
{
	struct runs *runs = &heap->runs;
	size_t most = min_size(n_cells(n_slices) / 2,
			       room_bytes(heap) / (n_slices * SLICE_BYTES));
	size_t batch = min_size(2 * (size_t)runs->batch[n_slices], most);
	runs->batch[n_slices] = (uint8_t)max_size(batch, 1);
	return runs->batch[n_slices];
}

uintptr_t runs_take_locked(struct heap *heap, size_t n_slices, bool *is_clean)
{
	struct runs *runs = &heap->runs;
	uintptr_t *cells = cells_of(runs, n_slices);
	runs->was_used = true;
	if (runs->n[n_slices] == 0) {
		uintptr_t bases[RUNS_CELLS_MANY];
		size_t n = arena_take_some(n_slices, next_batch(heap, n_slices),
					   bases);
		/* The lowest address comes first. */
		while (n > 0) {
			uintptr_t base = bases[--n];
			push(heap, base, n_slices,
			     !arena_is_clean((void *)base, n_slices));
		}
	}
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
	runs->was_used = true;
	runs->flow_bytes += bytes;
	if (runs->n[n_slices] == n_cells(n_slices))
		give_some(heap, n_slices, n_cells(n_slices) / 2);
	size_t room = room_bytes(heap);
	while (runs->bytes != 0 && runs->bytes + bytes > room)
		give_most(heap);
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
	bool is_busy = idle_only && runs->was_used;
	runs->was_used = false;
	runs->flow_bytes /= 2;
	for (size_t n = 1; n <= RUNS_SLICES_MAX; n++) {
		runs->batch[n] /= 2;
		if (!is_busy && runs->n[n] > 0)
			give_some(heap, n, runs->n[n]);
	}
}

size_t runs_count_slices(const struct runs *runs)
{
	size_t sum = 0;
	for (size_t n = 1; n <= RUNS_SLICES_MAX; n++)
		sum += runs->n[n] * n;
	return sum;
}
