/*
 * stat_show: where the memory of a process is, for people and for programs.
 */
#include "cli/render.h"
#include "cli/stat.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

/* What is further away is no prediction. */
#define FAR_S (1000.0 * 86400)

double moment_seconds_to(const struct moment *moment, enum limit_kind kind)
{
	const struct limit *limit = &moment->limits.limits[kind];
	const struct growth *growth = &moment->growth;
	double seconds;
	if (!limit->is_set || !growth->is_known || growth->resident_per_s < 1)
		return -1;
	seconds = (double)limit_room(limit) / growth->resident_per_s;
	return seconds <= FAR_S ? seconds : -1;
}

/* --- the screen ---------------------------------------------------------- */

/* "-12.0 MiB" */
static const char *phrase_signed(struct arena *arena, const char *sign,
				 double bytes)
{
	double size = bytes < 0 ? -bytes : bytes;
	return arena_print(arena, "%s%s", bytes <= -0.5 ? "-" : sign,
			   phrase_bytes(arena, (uint64_t)(size + 0.5)));
}

static void show_row(FILE *out, struct moment *moment, const char *name,
		     uint64_t bytes, const char *note)
{
	uint64_t all = moment->map.resident_bytes;
	char share[16] = "";
	if (all > 0)
		snprintf(share, sizeof(share), "%.1f %%",
			 100.0 * (double)bytes / (double)all);
	fprintf(out, "  %-17s %11s %9s   %s\n", name,
		phrase_bytes(&moment->arena, bytes), share, note);
}

/* What is taken from the sum above it, or added to it. */
static void show_change(FILE *out, struct moment *moment, const char *name,
			double bytes, const char *note)
{
	if (bytes != 0)
		fprintf(out, "  %-17s %11s %9s   %s\n", name,
			phrase_signed(&moment->arena, "+", bytes), "", note);
}

static void show_heap(FILE *out, struct moment *moment)
{
	const struct memory_map *map = &moment->map;
	const struct memory_amount *heap = &map->places[MEMORY_HEAP];
	struct arena *arena = &moment->arena;
	struct memory_part parts[MEMORY_PARTS];
	show_row(
		out, moment, "heap", heap->resident_bytes,
		arena_print(arena, "%s:", memory_place_note(map, MEMORY_HEAP)));
	memory_heap_parts(map, parts);
	/* The first is what is live. */
	parts[0].note =
		arena_print(arena, "%s, in %s", parts[0].note,
			    phrase_blocks(arena, map->stats.live_blocks));
	for (size_t i = 0; i < MEMORY_PARTS; i++)
		show_row(out, moment, arena_print(arena, "  %s", parts[i].name),
			 parts[i].bytes, parts[i].note);
	show_change(out, moment, "  never touched",
		    -(double)map->untouched_bytes, "of these");
	show_change(out, moment, "  swapped out", -(double)heap->swapped_bytes,
		    "of these");
	show_change(out, moment, "  not counted", (double)map->uncounted_bytes,
		    "ends of large blocks, changes since");
}

static const char *note_of(struct moment *moment, enum memory_place place)
{
	if (place != MEMORY_STACKS)
		return memory_place_note(&moment->map, place);
	return arena_print(&moment->arena, "of %" PRIu64 " thread%s",
			   moment->process.n_threads,
			   moment->process.n_threads == 1 ? "" : "s");
}

static void show_places(FILE *out, struct moment *moment)
{
	const struct memory_map *map = &moment->map;
	const struct memory_amount *heap = &map->places[MEMORY_HEAP];
	if (map->has_heap)
		show_heap(out, moment);
	for (int place = MEMORY_PROGRAM; place < N_MEMORY_PLACES; place++) {
		if (map->places[place].mapped_bytes > 0)
			show_row(out, moment, memory_place_name(place),
				 map->places[place].resident_bytes,
				 note_of(moment, place));
	}
	show_row(out, moment, "= resident", map->resident_bytes,
		 "RSS: the sum of what is not indented");
	if (map->swapped_bytes)
		fprintf(out, "  %-17s %11s %9s   beside it; %s of it heap\n",
			"swapped out",
			phrase_bytes(&moment->arena, map->swapped_bytes), "",
			phrase_bytes(&moment->arena, heap->swapped_bytes));
	if (map->huge_bytes)
		fprintf(out, "  %-17s %11s %9s   beside it; of hugetlbfs\n",
			"huge pages",
			phrase_bytes(&moment->arena, map->huge_bytes), "");
}

static void show_limits(FILE *out, struct moment *moment)
{
	struct arena *arena = &moment->arena;
	for (int kind = 0; kind < N_LIMITS; kind++) {
		const struct limit *limit = &moment->limits.limits[kind];
		double seconds = moment_seconds_to(moment, kind);
		bool is_over = limit->is_set && limit_room(limit) == 0;
		if (seconds < 0 && !is_over)
			continue;
		fprintf(out, "    %s (%s, %s used) is %s%s\n",
			limit_name(&moment->limits, kind),
			phrase_bytes(arena, limit->limit_bytes),
			phrase_bytes(arena, limit->used_bytes),
			is_over ? "reached" : "reached in ",
			is_over ? "" : phrase_time(arena, seconds));
	}
}

static void show_growth(FILE *out, struct moment *moment)
{
	const struct growth *growth = &moment->growth;
	struct arena *arena = &moment->arena;
	bool grows = growth->is_known && growth->resident_per_s >= 1;
	fputs("\n", out);
	if (growth->is_known) {
		fprintf(out, "  growth: resident %s/s",
			phrase_signed(arena, "+", growth->resident_per_s));
		if (growth->has_live)
			fprintf(out, ", live %s/s",
				phrase_signed(arena, "+", growth->live_per_s));
		fprintf(out, ", over %s%s\n",
			phrase_time(arena, growth->over_s),
			grows ? "; at this rate" : "");
	}
	show_limits(out, moment);
}

void moment_show_text(FILE *out, struct moment *moment)
{
	const struct process *process = &moment->process;
	fprintf(out,
		"tarn: memory of %s (pid %d), user %s, runs for %s%s%s\n\n",
		process->name, (int)process->pid, moment->user,
		phrase_time(&moment->arena, process->running_s),
		process->version[0] ? ", tarn " : "", process->version);
	show_places(out, moment);
	if (moment->unknown)
		fprintf(out, "\n  no parts of the heap: %s\n", moment->unknown);
	show_growth(out, moment);
}

/* --- one line ------------------------------------------------------------ */

/* The limit that is reached first; N_LIMITS: none. */
static enum limit_kind next_limit(const struct moment *moment)
{
	enum limit_kind next = N_LIMITS;
	for (int kind = 0; kind < N_LIMITS; kind++) {
		double seconds = moment_seconds_to(moment, kind);
		if (seconds >= 0 && (next == N_LIMITS ||
				     seconds < moment_seconds_to(moment, next)))
			next = kind;
	}
	return next;
}

void moment_show_line(FILE *out, struct moment *moment)
{
	const struct growth *growth = &moment->growth;
	struct arena *arena = &moment->arena;
	enum limit_kind next = next_limit(moment);
	time_t now = time(NULL);
	struct tm local;
	char clock[16];
	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	fprintf(out, "%s  resident %s", clock,
		phrase_bytes(arena, moment->map.resident_bytes));
	if (growth->is_known)
		fprintf(out, " (%s/s)",
			phrase_signed(arena, "+", growth->resident_per_s));
	if (moment->map.has_heap)
		fprintf(out, "  live %s",
			phrase_bytes(arena, moment->map.stats.live_bytes));
	if (growth->is_known && growth->has_live)
		fprintf(out, " (%s/s)",
			phrase_signed(arena, "+", growth->live_per_s));
	if (next != N_LIMITS)
		fprintf(out, "  %s in %s", limit_name(&moment->limits, next),
			phrase_time(arena, moment_seconds_to(moment, next)));
	fputc('\n', out);
}

/* --- JSON ---------------------------------------------------------------- */

static json_t *integer(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *whole(double n)
{
	return json_integer((json_int_t)(n < 0 ? n - 0.5 : n + 0.5));
}

static json_t *amount_of(const struct memory_amount *amount)
{
	return json_pack("{s:o, s:o, s:o}", "mapped_bytes",
			 integer(amount->mapped_bytes), "resident_bytes",
			 integer(amount->resident_bytes), "swapped_bytes",
			 integer(amount->swapped_bytes));
}

static json_t *heap_of(const struct memory_map *map)
{
	const struct wire_stats *s = &map->stats;
	if (!map->has_heap)
		return json_null();
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o}",
		"live_bytes", integer(s->live_bytes), "rounding_bytes",
		integer(s->rounding_bytes), "free_bytes",
		integer(s->free_bytes), "magazine_bytes",
		integer(s->magazine_bytes), "cached_bytes",
		integer(s->cached_bytes), "metadata_bytes",
		integer(s->metadata_bytes), "untouched_bytes",
		integer(map->untouched_bytes), "uncounted_bytes",
		integer(map->uncounted_bytes), "purged_bytes",
		integer(s->purged_bytes), "live_blocks",
		integer(s->live_blocks), "large_blocks",
		integer(s->large_blocks), "large_bytes",
		integer(s->large_bytes), "pools", integer(s->pools), "heaps",
		integer(s->heaps), "parked_heaps", integer(s->parked_heaps),
		"arenas", integer(s->arenas));
}

static json_t *growth_of(const struct growth *growth)
{
	if (!growth->is_known)
		return json_null();
	return json_pack("{s:f, s:o, s:o}", "over_s", growth->over_s,
			 "resident_bytes_per_s", whole(growth->resident_per_s),
			 "live_bytes_per_s",
			 growth->has_live ? whole(growth->live_per_s)
					  : json_null());
}

static json_t *limits_of(const struct moment *moment)
{
	json_t *limits = json_array();
	for (int kind = 0; kind < N_LIMITS; kind++) {
		const struct limit *limit = &moment->limits.limits[kind];
		double seconds = moment_seconds_to(moment, kind);
		const char *name = limit_name(&moment->limits, kind);
		if (!limit->is_set)
			continue;
		json_array_append_new(
			limits,
			json_pack("{s:s, s:o, s:o, s:s?, s:o}", "name",
				  kind == LIMIT_MACHINE ? "machine" : name,
				  "limit_bytes", integer(limit->limit_bytes),
				  "used_bytes", integer(limit->used_bytes),
				  "group", limit->group, "reached_in_s",
				  seconds < 0 ? json_null()
					      : json_real(seconds)));
	}
	return limits;
}

bool moment_show_json(FILE *out, const struct moment *moment, bool is_line)
{
	const struct process *process = &moment->process;
	const struct memory_map *map = &moment->map;
	json_t *places = json_object();
	json_t *all;
	bool is_good;
	for (int place = 0; place < N_MEMORY_PLACES; place++)
		json_object_set_new(places, memory_place_name(place),
				    amount_of(&map->places[place]));
	all = json_pack(
		"{s:i, s:i, s:s, s:s, s:s?, s:o, s:f, s:o, s:o, s:o, s:o, "
		"s:o, s:s?, s:o, s:o}",
		"version", 1, "pid", (int)process->pid, "program",
		process->name, "user", moment->user, "library",
		process->version[0] ? process->version : NULL, "threads",
		integer(process->n_threads), "running_s", process->running_s,
		"resident_bytes", integer(map->resident_bytes), "swapped_bytes",
		integer(map->swapped_bytes), "huge_bytes",
		integer(map->huge_bytes), "places", places, "heap",
		heap_of(map), "heap_unknown", moment->unknown, "growth",
		growth_of(&moment->growth), "limits", limits_of(moment));
	is_good =
		all && json_dumpf(all, out,
				  is_line ? JSON_COMPACT : JSON_INDENT(1)) == 0;
	json_decref(all);
	fputc('\n', out);
	return is_good;
}
