/*
 * phrase: words for amounts, places and findings, the same in all formats that
 * people read.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool finding_is_shown(const struct view *view,
		      const struct model_finding *finding)
{
	return !finding->is_suppressed && (verdict_bit(finding->wire.verdict) &
					   (VERDICTS_LOST | view->show));
}

size_t findings_shown(const struct view *view,
		      const struct model_process *process,
		      unsigned int verdicts)
{
	size_t n = 0;
	for (size_t i = 0; i < process->n_findings; i++) {
		const struct model_finding *finding = &process->findings[i];
		if ((verdict_bit(finding->wire.verdict) & verdicts) &&
		    finding_is_shown(view, finding))
			n++;
	}
	return n;
}

const struct model_member *finding_member(const struct model_finding *finding,
					  uint32_t index)
{
	for (size_t i = 0; i < finding->n_members; i++) {
		if (finding->members[i].wire.index == index)
			return &finding->members[i];
	}
	return NULL;
}

const char *verdict_name(uint32_t verdict)
{
	switch (verdict) {
	case WIRE_LOST:
		return "lost";
	case WIRE_CYCLE:
		return "cycle";
	case WIRE_INNER_CYCLE:
		return "inner-cycle";
	case WIRE_SHARED:
		return "shared";
	case WIRE_FOREIGN:
		return "foreign";
	default:
		return "possible";
	}
}

const char *phrase_verdict(uint32_t verdict)
{
	return verdict == WIRE_INNER_CYCLE ? "inner cycle"
					   : verdict_name(verdict);
}

const char *phrase_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

const char *phrase_blocks(struct arena *arena, uint64_t blocks)
{
	return arena_print(arena, "%" PRIu64 " block%s", blocks,
			   phrase_plural(blocks));
}

const char *phrase_bytes(struct arena *arena, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t unit = 0;
	if (bytes < 1024)
		return arena_print(arena, "%" PRIu64 " B", bytes);
	/* 1023.95 would print as 1024.0. */
	while (value >= 1023.95) {
		value /= 1024;
		unit++;
	}
	return arena_print(arena, "%.1f %ciB", value, units[unit]);
}

/* Longer names of C++ lose what their templates were given, but for the
 * first. */
#define NAME_COLUMNS 48

const char *phrase_name(struct arena *arena, const char *name)
{
	static const char dots[] = "…";
	size_t depth = 0, cut_at = 0, n = 0;
	if (strlen(name) <= NAME_COLUMNS || strstr(name, "operator") != NULL)
		return name;
	char *made = arena_take(arena, strlen(name) * (sizeof(dots) + 2));
	for (; *name != '\0'; name++) {
		depth -= *name == '>' && depth > 0;
		if (depth < cut_at)
			cut_at = 0;
		bool is_next = depth == 1 && *name == ',';
		if (cut_at == 0 && !is_next && depth < 2) {
			made[n++] = *name;
		} else if (cut_at == 0) {
			n += (size_t)sprintf(made + n, "%s%s",
					     is_next ? ", " : "", dots);
			cut_at = depth;
		}
		depth += *name == '<';
	}
	made[n] = '\0';
	return made;
}

/* The last two components of PATH. */
static const char *short_path(const char *path)
{
	const char *last = path_base(path);
	const char *at = last;
	if (at > path)
		at--;
	while (at > path && at[-1] != '/')
		at--;
	return *at == '/' ? at + 1 : at;
}

const char *phrase_place(struct arena *arena, const struct model_frame *frame)
{
	if (frame->file && frame->line)
		return arena_print(arena, "%s:%u", short_path(frame->file),
				   frame->line);
	if (frame->file)
		return short_path(frame->file);
	if (frame->module)
		return arena_print(arena, "%s+0x%" PRIx64,
				   path_base(frame->module), frame->address);
	return arena_print(arena, "0x%" PRIx64, frame->address);
}

const char *phrase_frame(struct arena *arena, const struct model_frame *frame)
{
	if (!frame)
		return NULL;
	if (!frame->function)
		return phrase_place(arena, frame);
	return arena_print(arena, "%s %s", phrase_name(arena, frame->function),
			   phrase_place(arena, frame));
}

static const char *phrase_basis(const struct wire_finding *finding)
{
	if (finding->verdict == WIRE_FOREIGN)
		return "; held only by memory that is no data of the program";
	if (finding->verdict != WIRE_POSSIBLE)
		return "";
	switch (finding->basis) {
	case WIRE_BY_INTERIOR:
		return "; only pointers to the inside hold it";
	case WIRE_BY_END:
		return "; only pointers that may be to the next block hold it";
	case WIRE_BY_UNCERTAIN:
		return "; held only by what may be a dead part of a stack";
	case WIRE_BY_MAPPING:
		return "; held only by memory that somebody else mapped";
	default:
		return "; nothing points to it";
	}
}

static const char *phrase_own(struct arena *arena,
			      const struct wire_finding *finding)
{
	uint64_t blocks = finding->own_blocks, bytes = finding->own_bytes;
	uint64_t largest = finding->largest_blocks;
	const char *all = phrase_bytes(arena, bytes);
	if (finding->count > 1 && largest > 1)
		return arena_print(
			arena, "%" PRIu64 " times %s%s, %s in all",
			finding->count,
			finding->count * largest == blocks ? "" : "up to ",
			phrase_blocks(arena, largest), all);
	if (blocks == 1)
		return arena_print(arena, "1 block of %s", all);
	if (largest <= 1 && blocks && bytes % blocks == 0)
		return arena_print(arena, "%s of %s, %s in all",
				   phrase_blocks(arena, blocks),
				   phrase_bytes(arena, bytes / blocks), all);
	return arena_print(arena, "%s, %s", phrase_blocks(arena, blocks), all);
}

static const char *short_type(struct arena *arena, const char *type)
{
	return type ? phrase_name(arena, type) : NULL;
}

const char *phrase_claim(struct arena *arena,
			 const struct model_finding *finding, const char *type)
{
	const struct wire_finding *wire = &finding->wire;
	const char *retained = "";
	const char *owner = "";
	if (wire->retained_blocks > wire->own_blocks)
		retained =
			arena_print(arena, "; retains %s, %s in all",
				    phrase_blocks(arena, wire->retained_blocks),
				    phrase_bytes(arena, wire->retained_bytes));
	if (wire->verdict == WIRE_INNER_CYCLE && wire->owner)
		owner = arena_print(arena, "; held by finding %u", wire->owner);
	if (wire->verdict == WIRE_SHARED)
		owner = "; held by several findings";
	return arena_print(arena, "%s%s%s%s%s%s", phrase_own(arena, wire),
			   type ? ", " : "", type ? type : "", retained, owner,
			   phrase_basis(wire));
}

const char *phrase_finding(struct model_process *process,
			   const struct model_finding *finding)
{
	struct arena *arena = &process->model->arena;
	const char *type =
		short_type(arena, model_finding_type(process, finding));
	return arena_print(arena, "%s: %s",
			   phrase_verdict(finding->wire.verdict),
			   phrase_claim(arena, finding, type));
}

const char *phrase_contents(struct arena *arena,
			    const struct wire_member *member, uint32_t at)
{
	char text[4 * CONTENTS_COLUMNS + 2];
	size_t n = 0;
	for (uint32_t i = at; i < at + CONTENTS_COLUMNS; i++)
		n += (size_t)sprintf(
			text + n, i < member->contents_bytes ? "%02x " : "   ",
			member->contents[i % WIRE_CONTENTS_BYTES]);
	text[n++] = ' ';
	for (uint32_t i = at; i < at + CONTENTS_COLUMNS; i++) {
		uint8_t byte =
			i < member->contents_bytes ? member->contents[i] : ' ';
		text[n++] = byte >= 0x20 && byte < 0x7f ? (char)byte : '.';
	}
	return arena_text(arena, text, n);
}

const char *phrase_member(struct model_process *process,
			  const struct model_member *member)
{
	struct arena *arena = &process->model->arena;
	const char *type = short_type(&process->model->arena,
				      model_member_type(process, member));
	return arena_print(arena, "#%u %s%s(%s)", member->wire.index,
			   type ? type : "", type ? " " : "",
			   phrase_bytes(arena, member->wire.bytes));
}

static const char *phrase_rate(struct arena *arena, double bytes_per_second)
{
	return phrase_bytes(arena, (uint64_t)(bytes_per_second + 0.5));
}

const char *phrase_growing(struct arena *arena,
			   const struct model_growing *growing)
{
	double rate = growing->bytes_per_second;
	return arena_print(arena, "%s/s, %s an hour, %.0f %% of all growth",
			   phrase_rate(arena, rate),
			   phrase_rate(arena, rate * 3600),
			   growing->share * 100);
}

const char *phrase_growing_kind(struct model_process *process,
				const struct model_growing *growing)
{
	struct arena *arena = &process->model->arena;
	const char *type = model_member_type(process, &growing->example);
	const char *kind =
		growing->is_large ? "blocks beyond 32 KiB"
		: growing->block_bytes
			? arena_print(arena, "blocks of %s",
				      phrase_bytes(arena, growing->block_bytes))
			: "blocks of several sizes";
	if (!type)
		return kind;
	return arena_print(arena, "%s, %s%s", kind,
			   growing->example.type ? "such as " : "",
			   phrase_name(arena, type));
}
