/*
 * side: reserved for a whole region, made writable as its end moves up.
 */
#include "trace/side.h"

#include "base/arith.h"
#include "os/memory.h"
#include "os/own.h"

/* Made writable for so many slices at a time: 256 MiB of heap. */
#define PIECE_SLICES ((size_t)4096)

static bool reserve(struct side *side, size_t i)
{
	struct side_part *part = &side->parts[i];
	size_t bytes;
	if (part->at != NULL)
		return true;
	if (!multiply_fits(regions[i].n_slices_max, side->slice_bytes, &bytes))
		return false;
	bytes = round_up(bytes, os_page_bytes());
	part->at = os_map_reserved(bytes);
	part->bytes = part->at == NULL ? 0 : bytes;
	return part->at != NULL;
}

static bool open_part(struct side *side, size_t i)
{
	struct side_part *part = &side->parts[i];
	if (regions[i].end <= part->n_open)
		return true;
	if (!reserve(side, i))
		return false;
	size_t n = min_size(round_up(regions[i].end, PIECE_SLICES),
			    regions[i].n_slices_max);
	size_t page = os_page_bytes();
	size_t from = round_down(part->n_open * side->slice_bytes, page);
	size_t to =
		min_size(round_up(n * side->slice_bytes, page), part->bytes);
	if (!os_make_writable(part->at + from, to - from))
		return false;
	part->n_open = n;
	return true;
}

bool side_open(struct side *side, size_t slice_bytes)
{
	side->slice_bytes = slice_bytes;
	for (size_t i = 0; i < n_regions; i++)
		if (!open_part(side, i))
			return false;
	return true;
}

/* What cannot be purged is cleared. */
void side_clear(struct side *side)
{
	for (size_t i = 0; i < REGIONS_MAX; i++) {
		struct side_part *part = &side->parts[i];
		size_t bytes = round_up(part->n_open * side->slice_bytes,
					os_page_bytes());
		if (bytes != 0 && !os_purge_own((uintptr_t)part->at, bytes))
			for (size_t at = 0; at < bytes; at++)
				part->at[at] = 0;
	}
}

void side_end(struct side *side)
{
	for (size_t i = 0; i < REGIONS_MAX; i++)
		if (side->parts[i].at != NULL)
			os_unmap_own((uintptr_t)side->parts[i].at,
				     side->parts[i].bytes);
	*side = (struct side){0};
}

void side_visit(const struct side *side,
		void (*visit)(void *context, uintptr_t at, size_t bytes),
		void *context)
{
	for (size_t i = 0; i < REGIONS_MAX; i++)
		visit(context, (uintptr_t)side->parts[i].at,
		      side->parts[i].bytes);
}
