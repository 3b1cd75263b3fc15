/*
 * stat: what was read of a process at one moment, and how it is shown.
 */
#ifndef TARN_CLI_STAT_H
#define TARN_CLI_STAT_H

#include "cli/limits.h"
#include "cli/memory.h"
#include "cli/process.h"

#include <stdio.h>

struct growth {
	bool is_known;
	bool has_live;
	double over_s;
	double resident_per_s; /* bytes */
	double live_per_s;
};

struct moment {
	struct arena arena;
	struct process process;
	const char *user;
	struct memory_map map;
	struct limits limits;
	struct growth growth;
	/* Why the parts of the heap are not known: "it ..."; else NULL. */
	const char *unknown;
};

/*
 * In how many seconds the limit is reached if resident memory goes on to grow
 * as it does; -1: never, or not for years.
 */
double moment_seconds_to(const struct moment *moment, enum limit_kind kind);

/* A screen of at most 80 columns. */
void moment_show_text(FILE *out, struct moment *moment);
/* One line. */
void moment_show_line(FILE *out, struct moment *moment);
/* One object, all in bytes; IS_LINE: on one line. False: out of memory. */
bool moment_show_json(FILE *out, const struct moment *moment, bool is_line);

#endif
