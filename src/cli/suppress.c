/*
 * suppress: findings that the user knows of and does not want to hear about.
 */
#include "cli/suppress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"

/* The pattern of LINE, or NULL if it has none; BAD if it is no such line. */
static char *parse_line(char *line, bool *is_bad)
{
	static const char prefix[] = "leak:";
	size_t length;
	line += strspn(line, " \t");
	length = strcspn(line, "\r\n");
	while (length && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	line[length] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return NULL;
	*is_bad = strncmp(line, prefix, sizeof(prefix) - 1) != 0 ||
		  line[sizeof(prefix) - 1] == '\0';
	return *is_bad ? NULL : line + sizeof(prefix) - 1;
}

static void add_pattern(struct suppressions *all, const char *pattern)
{
	all->patterns = arena_grow(&all->arena, all->patterns, all->n,
				   sizeof(all->patterns[0]));
	all->patterns[all->n++] =
		arena_text(&all->arena, pattern, strlen(pattern));
}

static bool read_patterns(struct suppressions *all, FILE *file,
			  const char *path)
{
	char *line = NULL;
	size_t room = 0;
	bool is_bad = false;
	for (int number = 1; getline(&line, &room, file) >= 0; number++) {
		char *pattern = parse_line(line, &is_bad);
		if (is_bad) {
			complain("%s:%d: want \"leak:PATTERN\"", path, number);
			break;
		}
		if (pattern)
			add_pattern(all, pattern);
	}
	free(line);
	return !is_bad;
}

static bool matches_site(const struct suppressions *all,
			 const struct model_site *site)
{
	for (size_t i = 0; site && i < site->n_frames; i++) {
		const struct model_frame *frame = &site->frames[i];
		for (size_t j = 0; j < all->n; j++) {
			const char *pattern = all->patterns[j];
			if (pattern_matches(pattern, frame->function) ||
			    pattern_matches(pattern, frame->file) ||
			    pattern_matches(pattern, frame->module))
				return true;
		}
	}
	return false;
}

/* By the site that most of them are from. */
static void apply_to_growing(struct model_process *process,
			     const struct suppressions *all)
{
	struct model_growth *growth = process->growth;
	for (size_t i = 0; growth && i < growth->n_all; i++) {
		struct model_growing *growing = &growth->all[i];
		if (growing->n_sites &&
		    matches_site(all,
				 model_site(process, growing->sites[0].site)))
			growing->is_suppressed = true;
	}
}

static void apply(struct model_process *process, const struct suppressions *all)
{
	apply_to_growing(process, all);
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		if (matches_site(all, model_site(process, finding->wire.site)))
			model_suppress(process, finding);
	}
	/* What a suppressed finding retains goes with it. */
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		const struct model_finding *owner =
			finding->wire.owner
				? model_finding(process, finding->wire.owner)
				: NULL;
		if (finding->wire.verdict == WIRE_INNER_CYCLE && owner &&
		    owner->is_suppressed)
			model_suppress(process, finding);
	}
}

void suppress_findings(struct model *model, const struct suppressions *all)
{
	for (size_t i = 0; all->n && i < model->n_processes; i++)
		apply(model->processes[i], all);
}

bool suppressions_read(struct suppressions *all, const char *path)
{
	FILE *file = fopen(path, "re");
	bool is_good;
	*all = (struct suppressions){0};
	if (!file) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	is_good = read_patterns(all, file, path);
	if (ferror(file)) {
		complain("%s: %s", path, strerror(errno));
		is_good = false;
	}
	fclose(file);
	if (!is_good)
		suppressions_free(all);
	return is_good;
}

void suppressions_free(struct suppressions *all)
{
	arena_free(&all->arena);
	*all = (struct suppressions){0};
}
