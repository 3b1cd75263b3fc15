/*
 * who: the way from a root to a block, in words.
 */
#ifndef TARN_CLI_WHO_H
#define TARN_CLI_WHO_H

#include "cli/render.h"

#include <sys/types.h>

/* Where a pointer stands. What is not known is NULL. */
struct who_place {
	const struct model_pointer *pointer;
	const char *text; /* ".bss table[17]", "entry.next", "stack of ..." */
	const char *section;
	const char *variable;
	const char *type; /* of the block that it stands in */
	const char *member;
	uint64_t offset; /* in the variable or the block */
};

struct who_way {
	size_t n_steps;
	struct who_place *steps;
	size_t gap_at; /* before this one steps are left out; 0: nowhere */
	uint64_t n_left_out;
	const char *type; /* of the block at its end */
	size_t n_referrers;
	struct who_place *referrers;
};

void who_find_way(struct model_process *process, struct who_way *way);

/* ".bss table[17] → entry.next → entry.value → char (32 B)". */
const char *who_summary(struct model_process *process,
			const struct who_way *way);

/* "reached"; "free", "not-in-heap"; or what it is instead of reached. */
const char *who_verdict(const struct model_who *who);

/* What else is known of who was asked about. */
struct who_more {
	pid_t pid;
	/* In another model. */
	struct model_process *process;	     /* NULL: not looked for */
	const struct model_finding *finding; /* that has the block; NULL */
	const char *mapping; /* where an address outside the heap lies; NULL */
};

void who_render_text(const struct view *view, struct model_process *process,
		     const struct who_way *way, const struct who_more *more);
bool who_render_json(const struct view *view, struct model_process *process,
		     const struct who_way *way, const struct who_more *more);

#endif
