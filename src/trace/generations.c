/*
 * generations: what is kept between traces, and what a trace makes of it.
 */
#include "trace/generations.h"

#include "base/arith.h"
#include "heap/arena.h"
#include "os/memory.h"
#include "os/system.h"
#include "os/written.h"
#include "trace/census.h"
#include "trace/claims.h"

/* A bit for each page of a slice: 16 where pages have 4 KiB. */
typedef uint16_t slice_pages;

/* Written since the last trace, and since the last that was not young. */
enum since { SINCE_LAST, SINCE_MIDDLE, N_SINCE };

/* Tracer only. It has addresses of blocks, and is no root. */
static struct {
	bool is_valid; /* the last trace can be relied on */
	uint32_t process;
	struct os_written written;
	struct side claims;
	struct side pages[N_SINCE];
	struct census census[N_SINCE]; /* at these traces */
	struct census frozen;	       /* what it calls live is */
	uint64_t n_frozen;
} kept;

static enum since since_of(enum generation generation)
{
	return generation == GENERATION_YOUNG ? SINCE_LAST : SINCE_MIDDLE;
}

/* --- what was written ----------------------------------------------------- */

static void note_page(enum since since, uintptr_t page)
{
	struct side *pages = &kept.pages[since];
	size_t i = side_region(pages, page);
	if (i == REGIONS_MAX)
		return;
	slice_pages *of_slice = (slice_pages *)pages->parts[i].at;
	uintptr_t offset = page - regions[i].base;
	of_slice[offset >> SLICE_SHIFT] |=
		(slice_pages)(1u << offset % SLICE_BYTES / os_page_bytes());
}

static void note_written(void *context, uintptr_t start, uintptr_t end)
{
	struct generation_look *look = context;
	size_t page = os_page_bytes();
	look->written_pages += (end - start) / page;
	for (uintptr_t at = start; at < end; at += page) {
		note_page(SINCE_LAST, at);
		note_page(SINCE_MIDDLE, at);
	}
}

static void take_written(void *context, uintptr_t at, size_t bytes)
{
	os_written_take(&kept.written, at, bytes, note_written, context);
}

static bool open_sides(void)
{
	return side_open(&kept.claims, CLAIMS_SLICE_BYTES) &&
	       side_open(&kept.pages[SINCE_LAST], sizeof(slice_pages)) &&
	       side_open(&kept.pages[SINCE_MIDDLE], sizeof(slice_pages));
}

/* --- what was live -------------------------------------------------------- */

typedef void bit_visitor(void *context, struct trace_run *run, uint64_t bit);

static void visit_word(struct trace_run *run, size_t w, uint64_t word,
		       bit_visitor *visit, void *context)
{
	for (; word != 0; word &= word - 1)
		visit(context, run,
		      run->first_bit + w * 64 +
			      (unsigned)__builtin_ctzll(word));
}

static uintptr_t block_of(const struct trace_run *run, uint64_t bit)
{
	return run_block(run, (uint32_t)(bit - run->first_bit));
}

static void claim_block(void *context, struct trace_run *run, uint64_t bit)
{
	(void)context;
	claims_add_block(&kept.claims, block_of(run, bit), run->block_bytes);
}

/* What was live at CENSUS and is not any more is claimed, and so is a
 * large block that is longer or shorter now. */
static void note_dead(struct census *census, const struct snapshot *now)
{
	for (uint32_t i = 1; i <= census->at.n_runs; i++) {
		struct trace_run *run = &census->at.runs[i];
		const struct trace_run *same = census_find(now, run);
		if (same != NULL && same->block_bytes != run->block_bytes)
			same = NULL;
		for (size_t w = 0; w < run_words(run); w++)
			visit_word(run, w,
				   run_bits(run, census->at.live, w) &
					   ~run_bits(same, now->live, w),
				   claim_block, NULL);
	}
}

/* --- what is judged ------------------------------------------------------- */

struct judging {
	struct generation_look *look;
	struct mark *mark;
	const struct trace_run *frozen; /* the run as it was frozen */
	const struct trace_run *before;
};

/* Blocks that count as reached, and are looked at. */
static void reach(void *context, struct trace_run *run, uint64_t bit)
{
	struct judging *judging = context;
	mark_reach(judging->mark, run, bit);
}

static void judge_fresh(void *context, struct trace_run *run, uint64_t bit)
{
	struct judging *judging = context;
	if (claims_meet_block(&kept.claims, block_of(run, bit),
			      run->block_bytes))
		mark_reach(judging->mark, run, bit);
	else
		bits_set(judging->mark->unreached, bit);
}

static uint64_t frozen_bits(const struct judging *judging, size_t w)
{
	return run_bits(judging->frozen, kept.frozen.at.live, w);
}

/* All are, but what is frozen. */
static void judge_run_whole(struct judging *judging, struct trace_run *run)
{
	for (size_t w = 0; w < run_words(run); w++) {
		uint64_t live =
			judging->mark->unreached[run->first_bit / 64 + w];
		visit_word(run, w, live & frozen_bits(judging, w), reach,
			   judging);
	}
}

/*
 * Those that were not live before, are at no claimed address, and not frozen.
 * Of a run that could not be read then or cannot be now all is looked at, and
 * of a large block that has another length.
 */
static void judge_run_fresh(struct judging *judging, struct trace_run *run)
{
	const struct trace_run *before = judging->before;
	const struct census *census =
		&kept.census[since_of(judging->look->judged)];
	bool is_whole =
		before != NULL && (run->is_guarded || before->is_guarded ||
				   run->block_bytes != before->block_bytes);
	for (size_t w = 0; w < run_words(run); w++) {
		size_t at = run->first_bit / 64 + w;
		uint64_t live = judging->mark->snapshot->live[at];
		uint64_t old = live & run_bits(before, census->at.live, w);
		uint64_t fresh = live & ~old;
		uint64_t frozen = fresh & frozen_bits(judging, w);
		judging->mark->unreached[at] = 0;
		judging->look->old_set[at] = old;
		visit_word(run, w, frozen | (is_whole ? old : 0), reach,
			   judging);
		visit_word(run, w, fresh & ~frozen, judge_fresh, judging);
	}
}

static void judge_runs(struct generation_look *look, struct mark *mark)
{
	struct judging judging = {.look = look, .mark = mark};
	bool is_full = look->judged == GENERATION_OLD;
	const struct snapshot *then = &kept.census[since_of(look->judged)].at;
	for (uint32_t i = 1; i <= mark->snapshot->n_runs; i++) {
		struct trace_run *run = &mark->snapshot->runs[i];
		judging.frozen = census_find(&kept.frozen.at, run);
		judging.before = is_full ? NULL : census_find(then, run);
		if (is_full)
			judge_run_whole(&judging, run);
		else
			judge_run_fresh(&judging, run);
	}
	look->judged_blocks =
		bits_count(mark->unreached, mark->snapshot->n_words);
}

/* --- old blocks on written pages ------------------------------------------ */

/* What of the page lies in old blocks of RUN. */
static void look_at_page(const struct generation_look *look, struct mark *mark,
			 const struct trace_run *run, uintptr_t page)
{
	uintptr_t end = page + os_page_bytes();
	uint64_t slot = (page - run->base) * run->reciprocal >> 40;
	for (; slot < run->n_slots; slot++) {
		uintptr_t block = run_block(run, (uint32_t)slot);
		if (block >= end)
			return;
		uintptr_t from = max_size(block, page);
		uintptr_t to = min_size(block + run->block_bytes, end);
		if (from < to &&
		    bits_test(look->old_set, run->first_bit + slot))
			mark_part(mark, run, from, to - from);
	}
}

static void look_at_slice(const struct generation_look *look, struct mark *mark,
			  size_t region, size_t slice, slice_pages pages)
{
	const struct trace_region *traced = &mark->snapshot->regions[region];
	uint32_t number =
		slice < traced->n_slices ? traced->run_of_slice[slice] : 0;
	for (unsigned i = 0; number != 0 && pages >> i != 0; i++)
		if (pages >> i & 1)
			look_at_page(look, mark, &mark->snapshot->runs[number],
				     slice_address(&regions[region], slice) +
					     i * os_page_bytes());
}

static void look_at_written(const struct generation_look *look,
			    struct mark *mark)
{
	const struct side *pages = &kept.pages[since_of(look->judged)];
	for (size_t i = 0; i < n_regions; i++) {
		const slice_pages *of_slice =
			(const slice_pages *)pages->parts[i].at;
		for (size_t slice = 0; slice < regions[i].end; slice++)
			if (of_slice[slice] != 0)
				look_at_slice(look, mark, i, slice,
					      of_slice[slice]);
	}
}

/* --- begin ---------------------------------------------------------------- */

static bool take_sets(struct generation_look *look, struct mark *mark)
{
	struct work *work = mark->snapshot->work;
	size_t n = mark->snapshot->n_words + 1;
	look->lost = work_take(work, n, sizeof(uint64_t));
	look->old_set = work_take(work, n, sizeof(uint64_t));
	return !work->has_failed;
}

static void forget_marks(void)
{
	kept.is_valid = false;
	for (int i = 0; i < N_SINCE; i++)
		side_clear(&kept.pages[i]);
	side_clear(&kept.claims);
}

bool generations_begin(struct generation_look *look, struct mark *mark,
		       bool is_stopped)
{
	if (kept.process != os_process_id())
		generations_forget(true);
	kept.process = os_process_id();
	bool was_valid = kept.is_valid;
	kept.is_valid = false;
	look->is_blind = !os_written_begin(&kept.written);
	look->is_kept = !look->is_blind && is_stopped && open_sides();
	if (look->is_kept)
		arena_visit_mapped_locked(take_written, look);
	os_written_end(&kept.written);
	look->judged =
		was_valid && look->is_kept ? look->generation : GENERATION_OLD;
	if (!take_sets(look, mark))
		return false;
	if (look->judged == GENERATION_OLD)
		forget_marks();
	else
		note_dead(&kept.census[since_of(look->judged)], mark->snapshot);
	mark->claims = look->is_kept ? &kept.claims : NULL;
	judge_runs(look, mark);
	if (look->judged != GENERATION_OLD)
		look_at_written(look, mark);
	return true;
}

/* --- judge ---------------------------------------------------------------- */

static void claim_word(struct mark *mark, uintptr_t word)
{
	struct place place;
	if (word - mark->snapshot->low <= mark->snapshot->n_bytes &&
	    !(snapshot_find(mark->snapshot, word, &place) &&
	      bits_test(mark->snapshot->live, place.bit)))
		claims_add(&kept.claims, word);
}

static void claim_words(void *context, uintptr_t at, const uintptr_t *words,
			size_t n)
{
	(void)at;
	for (size_t i = 0; i < n; i++)
		claim_word(context, words[i]);
}

/* A lost block's words claim like any others. */
static void look_at_lost(void *context, struct trace_run *run, uint64_t bit)
{
	struct mark *mark = context;
	uintptr_t block = block_of(run, bit);
	if (run->is_guarded || run->block_bytes > SLICE_BYTES)
		os_read(mark->reader, block, run->block_bytes, OS_PAGES_PRESENT,
			claim_words, mark);
	else
		claim_words(mark, block, (const uintptr_t *)block,
			    run->block_bytes / sizeof(uintptr_t));
}

/* The blocks that an earlier trace found lost, as far as they are live. */
static uint64_t lost_before(const struct trace_run *before,
			    const struct trace_run *run,
			    const struct snapshot *snapshot, size_t w)
{
	return run_bits(before, kept.census[SINCE_LAST].lost, w) &
	       run_bits(run, snapshot->live, w);
}

static void judge_lost(struct generation_look *look, struct mark *mark,
		       struct trace_run *run)
{
	const struct trace_run *before =
		census_find(&kept.census[SINCE_LAST].at, run);
	for (size_t w = 0; w < run_words(run); w++) {
		uint64_t *lost = &mark->unreached[run->first_bit / 64 + w];
		uint64_t old_lost = lost_before(before, run, mark->snapshot, w);
		unsigned n_new = bits_count_word(*lost & ~old_lost);
		if (look->is_kept)
			visit_word(run, w, *lost, look_at_lost, mark);
		if (*lost != 0)
			look->lost[run->first_bit / 64 + w] = *lost;
		look->new_blocks += n_new;
		look->new_bytes += n_new * (uint64_t)run->block_bytes;
		if (look->only_new)
			*lost &= ~old_lost;
	}
}

void generations_judge(struct generation_look *look, struct mark *mark)
{
	for (uint32_t i = 1; i <= mark->snapshot->n_runs; i++)
		judge_lost(look, mark, &mark->snapshot->runs[i]);
}

/* --- end ---------------------------------------------------------------- */

/* Into the new census: what is lost and, if this trace has not judged all, what
 * was before. */
static void keep_lost(const struct generation_look *look, struct census *made)
{
	const struct snapshot *at = &made->at;
	for (uint32_t i = 1; i <= at->n_runs; i++) {
		const struct trace_run *run = &at->runs[i];
		const struct trace_run *before = NULL;
		if (look->judged != GENERATION_OLD)
			before = census_find(&kept.census[SINCE_LAST].at, run);
		for (size_t w = 0; w < run_words(run); w++)
			made->lost[run->first_bit / 64 + w] =
				run_bits(run, look->lost, w) |
				lost_before(before, run, at, w);
	}
}

/* What is frozen and has died is not frozen any more. */
static void thaw_dead(const struct snapshot *now)
{
	struct snapshot *frozen = &kept.frozen.at;
	for (uint32_t i = 1; i <= frozen->n_runs; i++) {
		const struct trace_run *run = &frozen->runs[i];
		const struct trace_run *same = census_find(now, run);
		for (size_t w = 0; w < run_words(run); w++)
			frozen->live[run->first_bit / 64 + w] &=
				run_bits(same, now->live, w);
	}
	kept.n_frozen = bits_count(frozen->live, frozen->n_words);
}

static void replace(enum since since, struct census *made)
{
	census_end(&kept.census[since]);
	kept.census[since] = *made;
	side_clear(&kept.pages[since]);
}

void generations_end(struct generation_look *look, struct mark *mark)
{
	struct census last, middle = {0};
	bool is_young = look->judged == GENERATION_YOUNG;
	if (!census_take(&last, mark->snapshot))
		return;
	keep_lost(look, &last);
	thaw_dead(mark->snapshot);
	if (!is_young && !census_take(&middle, mark->snapshot))
		look->is_kept = false;
	replace(SINCE_LAST, &last);
	if (!is_young)
		replace(SINCE_MIDDLE, &middle);
	kept.is_valid = look->is_kept;
}

/* --- the permanent generation --------------------------------------------- */

bool generations_freeze(const struct snapshot *snapshot)
{
	struct census made;
	if (!census_take(&made, snapshot))
		return false;
	generations_unfreeze();
	kept.frozen = made;
	kept.n_frozen = snapshot->n_live;
	return true;
}

void generations_unfreeze(void)
{
	census_end(&kept.frozen);
	kept.n_frozen = 0;
}

uint64_t generations_frozen(void)
{
	return kept.n_frozen;
}

/* --- memory --------------------------------------------------------------- */

void generations_forget(bool is_child)
{
	kept.is_valid = false;
	if (is_child)
		os_written_forget(&kept.written);
	else
		os_written_stop(&kept.written);
	for (int i = 0; i < N_SINCE; i++) {
		side_end(&kept.pages[i]);
		census_end(&kept.census[i]);
	}
	side_end(&kept.claims);
}

static void visit_census(const struct census *census,
			 void (*visit)(void *context, uintptr_t at,
				       size_t bytes),
			 void *context)
{
	for (uint32_t i = 0; i < census->work.n_pieces; i++)
		visit(context, census->work.pieces[i].at,
		      census->work.pieces[i].bytes);
}

void generations_visit_memory(void (*visit)(void *context, uintptr_t at,
					    size_t bytes),
			      void *context)
{
	visit(context, (uintptr_t)&kept, sizeof(kept));
	for (int i = 0; i < N_SINCE; i++) {
		side_visit(&kept.pages[i], visit, context);
		visit_census(&kept.census[i], visit, context);
	}
	side_visit(&kept.claims, visit, context);
	visit_census(&kept.frozen, visit, context);
}
