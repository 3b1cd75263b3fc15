/*
 * html_memory: where the memory of a process is, in the page: one bar of what
 * is resident, and one of what the heap is used for.
 */
#include "cli/html.h"
#include "cli/memory.h"

static const char *const colors[] = {"m1", "m2", "m3", "m4", "m5", "m6", "m7"};

_Static_assert(N_MEMORY_PLACES <= sizeof(colors) / sizeof(colors[0]) &&
		       MEMORY_PARTS <= sizeof(colors) / sizeof(colors[0]),
	       "each part has a colour");

static void put_places(FILE *out, struct arena *arena,
		       const struct memory_map *map)
{
	struct html_part parts[N_MEMORY_PLACES];
	struct html_bar bar = {
		.label = "where resident memory is",
		.all_name = "resident",
		.parts = parts,
	};
	for (int place = 0; place < N_MEMORY_PLACES; place++) {
		if (map->places[place].mapped_bytes == 0)
			continue;
		parts[bar.n++] = (struct html_part){
			.name = memory_place_name(place),
			.class_name = colors[place],
			.bytes = map->places[place].resident_bytes,
			.remark = memory_place_note(map, place),
		};
	}
	html_put_bar(out, arena, &bar);
}

/* What the two bars differ by. */
static const char *differences(struct arena *arena,
			       const struct memory_map *map)
{
	uint64_t swapped = map->places[MEMORY_HEAP].swapped_bytes;
	const char *text = "";
	if (map->untouched_bytes)
		text = arena_print(arena,
				   "%s of it was never touched, and is not "
				   "resident. ",
				   phrase_bytes(arena, map->untouched_bytes));
	if (swapped)
		text = arena_print(arena, "%s%s of it is swapped out. ", text,
				   phrase_bytes(arena, swapped));
	if (map->uncounted_bytes)
		text = arena_print(
			arena,
			"%s%s more is resident: ends of large blocks, changes "
			"since. ",
			text, phrase_bytes(arena, map->uncounted_bytes));
	return text;
}

static void put_heap(FILE *out, struct arena *arena,
		     const struct memory_map *map)
{
	struct memory_part uses[MEMORY_PARTS];
	struct html_part parts[MEMORY_PARTS];
	struct html_bar bar = {
		.label = "what the heap is used for",
		.all_name = "heap",
		.n = MEMORY_PARTS,
		.parts = parts,
	};
	memory_heap_parts(map, uses);
	for (size_t i = 0; i < MEMORY_PARTS; i++)
		parts[i] = (struct html_part){
			.name = uses[i].name,
			.class_name = colors[i],
			.bytes = uses[i].bytes,
			.remark = uses[i].note,
		};
	fputs("<section><h3>What the heap is used for</h3>\n", out);
	html_put_bar(out, arena, &bar);
	fputs("<p class=\"more\">", out);
	html_put_text(out, differences(arena, map));
	fputs("</p></section>\n", out);
}

void html_put_memory(FILE *out, struct arena *arena,
		     const struct memory_map *map)
{
	fputs("<div class=\"memory\">\n<section><h3>Where memory is</h3>\n",
	      out);
	put_places(out, arena, map);
	if (map->swapped_bytes)
		html_put_element(
			out, "p", "more",
			arena_print(arena, "%s besides is swapped out.",
				    phrase_bytes(arena, map->swapped_bytes)));
	fputs("</section>\n", out);
	if (map->has_heap)
		put_heap(out, arena, map);
	fputs("</div>\n", out);
}
