/*
 * mark: pools wait in the queue, not blocks.
 *
 * A run is queued once however many of its blocks are pending, so the queue has
 * room for every run and no chain of blocks is too long for it. The pending
 * blocks of a bitmap word are prefetched before they are looked at.
 */
#include "trace/mark.h"

#include <string.h>

#include "base/arith.h"
#include "base/bits.h"
#include "os/read.h"
#include "trace/claims.h"

/* A pointer may carry a tag in the bits that alignment leaves it. */
#define TAG_BYTES 8

/* Larger blocks are looked at only where they have pages, and where they can be
 * read: a program may have protected some. */
#define CAREFUL_BYTES ((size_t)64 << 10)

static ALWAYS_INLINE void reach(struct mark *mark, struct trace_run *run,
				uint64_t bit)
{
	bits_clear(mark->unreached, bit);
	bits_set(mark->pending, bit);
	if (run->is_queued)
		return;
	run->is_queued = true;
	uint32_t n = mark->snapshot->n_runs + 1;
	uint32_t at = mark->queue_first + mark->queue_length++;
	mark->queue[at < n ? at : at - n] =
		(uint32_t)(run - mark->snapshot->runs);
}

static NOINLINE void hint_end(struct mark *mark, uintptr_t word)
{
	struct place place;
	if (!snapshot_find_end(mark->snapshot, word, &place) ||
	    place.run->is_padded || !bits_test(mark->unreached, place.bit))
		return;
	bits_set(mark->past_end, place.bit);
	if (mark->hints_count)
		reach(mark, place.run, place.bit);
}

/* The slot before PLACE, in another run, or not reached yet. */
static ALWAYS_INLINE bool may_end_another(const struct mark *mark,
					  const struct place *place)
{
	return place->slot == 0 || bits_test(mark->unreached, place->bit - 1);
}

/* A word of a block that points to none that is live. */
static NOINLINE void note_claim(struct mark *mark, uintptr_t word,
				const struct place *place, bool is_found)
{
	if (!is_found || !bits_test(mark->snapshot->live, place->bit))
		claims_add(mark->claims, word);
}

static ALWAYS_INLINE void look_at(struct mark *mark, uintptr_t word,
				  bool is_in_root)
{
	struct place place;
	if (LIKELY(word - mark->snapshot->low > mark->snapshot->n_bytes))
		return;
	bool is_found = snapshot_find(mark->snapshot, word, &place);
	if (is_in_root &&
	    (!is_found || (place.inside == 0 && may_end_another(mark, &place))))
		hint_end(mark, word);
	if (!is_found || !bits_test(mark->unreached, place.bit)) {
		if (UNLIKELY(mark->claims != NULL) && !is_in_root)
			note_claim(mark, word, &place, is_found);
		return;
	}
	if (place.inside < TAG_BYTES || mark->hints_count)
		reach(mark, place.run, place.bit);
	else
		bits_set(mark->interior, place.bit);
}

void mark_words(struct mark *mark, const uintptr_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		look_at(mark, words[i], true);
}

void mark_word(struct mark *mark, uintptr_t word)
{
	struct place place;
	if (snapshot_find(mark->snapshot, word, &place) &&
	    bits_test(mark->unreached, place.bit))
		reach(mark, place.run, place.bit);
}

static void look_at_piece(void *context, uintptr_t at, const uintptr_t *words,
			  size_t n)
{
	struct mark *mark = context;
	(void)at;
	for (size_t i = 0; i < n; i++)
		look_at(mark, words[i], false);
	mark->heap_bytes += n * sizeof(*words);
}

void mark_reach(struct mark *mark, struct trace_run *run, uint64_t bit)
{
	reach(mark, run, bit);
}

void mark_part(struct mark *mark, const struct trace_run *run, uintptr_t at,
	       size_t bytes)
{
	if (bytes > CAREFUL_BYTES || run->is_guarded)
		mark->unread_bytes +=
			os_read(mark->reader, at, bytes, OS_PAGES_PRESENT,
				look_at_piece, mark);
	else
		look_at_piece(mark, at, (const uintptr_t *)at,
			      bytes / sizeof(uintptr_t));
}

static void look_at_block(struct mark *mark, const struct trace_run *run,
			  uint32_t slot)
{
	mark_part(mark, run, run_block(run, slot), run->block_bytes);
}

static void prefetch_blocks(const struct trace_run *run, uint32_t first,
			    uint64_t word)
{
	for (; word != 0; word &= word - 1) {
		uintptr_t block =
			run_block(run, first + (uint32_t)__builtin_ctzll(word));
		__builtin_prefetch((const void *)block);
		if (run->block_bytes > CACHE_LINE)
			__builtin_prefetch((const void *)(block + CACHE_LINE));
	}
}

static void look_at_run(struct mark *mark, const struct trace_run *run)
{
	uint64_t *pending = mark->pending + run->first_bit / 64;
	for (size_t w = 0; w < run_words(run); w++) {
		uint64_t word = pending[w];
		pending[w] = 0;
		prefetch_blocks(run, (uint32_t)w * 64, word);
		for (; word != 0; word &= word - 1)
			look_at_block(mark, run,
				      (uint32_t)w * 64 +
					      (uint32_t)__builtin_ctzll(word));
	}
}

void mark_all(struct mark *mark)
{
	while (mark->queue_length > 0) {
		struct trace_run *run =
			&mark->snapshot->runs[mark->queue[mark->queue_first]];
		if (++mark->queue_first == mark->snapshot->n_runs + 1)
			mark->queue_first = 0;
		mark->queue_length--;
		run->is_queued = false;
		look_at_run(mark, run);
	}
}

void mark_hinted(struct mark *mark)
{
	mark->hints_count = true;
	for (uint32_t i = 1; i <= mark->snapshot->n_runs; i++) {
		struct trace_run *run = &mark->snapshot->runs[i];
		for (size_t w = 0; w < run_words(run); w++) {
			size_t at = run->first_bit / 64 + w;
			uint64_t word =
				(mark->interior[at] | mark->past_end[at]) &
				mark->unreached[at];
			for (; word != 0; word &= word - 1)
				reach(mark, run,
				      at * 64 +
					      (unsigned)__builtin_ctzll(word));
		}
	}
	mark_all(mark);
}

void mark_copy(const struct mark *mark, uint64_t *to)
{
	/* Of a young trace nearly all are 0, and so is TO: its pages need no
	 * memory. */
	for (size_t w = 0; w < mark->snapshot->n_words; w++)
		if (mark->unreached[w] != 0)
			to[w] = mark->unreached[w];
}

bool mark_begin(struct mark *mark, struct snapshot *snapshot,
		struct os_reader *reader)
{
	struct work *work = snapshot->work;
	size_t n = snapshot->n_words + 1;
	*mark = (struct mark){
		.snapshot = snapshot,
		.reader = reader,
		.unreached = work_take(work, n, sizeof(uint64_t)),
		.pending = work_take(work, n, sizeof(uint64_t)),
		.interior = work_take(work, n, sizeof(uint64_t)),
		.past_end = work_take(work, n, sizeof(uint64_t)),
		.queue =
			work_take(work, snapshot->n_runs + 1, sizeof(uint32_t)),
	};
	if (work->has_failed)
		return false;
	memcpy(mark->unreached, snapshot->live,
	       snapshot->n_words * sizeof(*snapshot->live));
	return true;
}
