/*
 * missing: the original's mappings against the copy's own.
 *
 * Where the copy has mapped memory of its own since it was made, the original
 * may have what the copy did not get, too.
 */
#include "trace/missing.h"

#include "base/arith.h"
#include "os/maps.h"

#define FIRST_PART_WORDS ((size_t)1 << 15)

static size_t part_words(size_t part)
{
	return FIRST_PART_WORDS << part;
}

static struct missing_word *new_word(struct missing *missing)
{
	size_t n = missing->n_parts;
	if (n == 0 || missing->n == part_words(n - 1)) {
		struct missing_word *part = NULL;
		if (n < MISSING_PARTS)
			part = work_take(missing->snapshot->work, part_words(n),
					 sizeof(*part));
		missing->has_failed |= part == NULL;
		if (part == NULL)
			return NULL;
		missing->parts[missing->n_parts++] = part;
		missing->n = 0;
	}
	return &missing->parts[missing->n_parts - 1][missing->n++];
}

static void keep(void *context, uintptr_t at, const uintptr_t *words, size_t n)
{
	struct missing *missing = context;
	const struct snapshot *snapshot = missing->snapshot;
	missing->n_bytes += n * sizeof(*words);
	for (size_t i = 0; i < n && !missing->has_failed; i++) {
		if (words[i] - snapshot->low > snapshot->n_bytes)
			continue;
		struct missing_word *kept = new_word(missing);
		if (kept != NULL)
			*kept = (struct missing_word){at + i * sizeof(*words),
						      words[i]};
	}
}

static void read_original(struct missing *missing, struct os_reader *reader,
			  uintptr_t start, uintptr_t end)
{
	if (start < end)
		missing->unread_bytes +=
			os_read(reader, start, end - start, OS_PAGES_ORIGINAL,
				keep, missing);
}

/* What of THEIRS is not in OURS, which has been read up to OUR. */
static void read_unmapped(struct missing *missing, struct os_reader *reader,
			  const struct os_mapping *theirs, struct os_maps *ours,
			  struct os_mapping *our)
{
	uintptr_t at = theirs->start;
	while (at < theirs->end) {
		while (our->end <= at && os_maps_next(ours, our))
			;
		uintptr_t end = our->end <= at
					? theirs->end
					: min_size(our->start, theirs->end);
		read_original(missing, reader, at, end);
		at = max_size(end, our->end);
	}
}

/* What of THEIRS lies where the copy works. */
static void read_covered(struct missing *missing, struct os_reader *reader,
			 const struct os_mapping *theirs)
{
	const struct work *work = missing->snapshot->work;
	for (uint32_t i = 0; i < work->n_pieces; i++) {
		const struct work_piece *piece = &work->pieces[i];
		read_original(missing, reader,
			      max_size(theirs->start, piece->at),
			      min_size(theirs->end, piece->at + piece->bytes));
	}
}

/* Memory that the original has mapped since is looked at too: a pointer more
 * does no harm. */
bool missing_read(struct missing *missing, struct os_reader *reader,
		  uintptr_t state, uintptr_t state_end)
{
	struct os_maps theirs, ours;
	struct os_mapping their, our = {.end = 0};
	if (!os_maps_open(&ours))
		return false;
	if (os_maps_open_of(&theirs, reader->original)) {
		while (os_maps_next(&theirs, &their)) {
			if (!os_may_hold_pointers(&their))
				continue;
			read_unmapped(missing, reader, &their, &ours, &our);
			read_covered(missing, reader, &their);
			read_original(missing, reader,
				      max_size(their.start, state),
				      min_size(their.end, state_end));
		}
		os_maps_close(&theirs);
	}
	os_maps_close(&ours);
	return !missing->has_failed;
}

void missing_visit(const struct missing *missing,
		   void (*visit)(void *context, uintptr_t at, uintptr_t word),
		   void *context)
{
	for (size_t part = 0; part < missing->n_parts; part++) {
		bool is_last = part + 1 == missing->n_parts;
		size_t n = is_last ? missing->n : part_words(part);
		for (size_t i = 0; i < n; i++)
			visit(context, missing->parts[part][i].at,
			      missing->parts[part][i].word);
	}
}
