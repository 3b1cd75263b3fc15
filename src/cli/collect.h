/*
 * collect: the private directory where a program and its children put their
 * reports.
 */
#ifndef TARN_CLI_COLLECT_H
#define TARN_CLI_COLLECT_H

#include "cli/util.h"

#include <sys/types.h>

struct collection {
	struct arena arena;
	char *directory;
	/* After collection_read(). */
	bool was_started; /* the library was loaded into the program */
	size_t n_own_reports;
	size_t n_missing; /* children that started and did not report */
	size_t n_paths;
	char **paths; /* the program's own first, then by pid */
};

/* Makes the directory, for this user alone. Says what is wrong. */
bool collection_start(struct collection *reports);

/*
 * Lists what there is after the program PID has ended; of other processes only
 * if HAS_CHILDREN.
 */
void collection_read(struct collection *reports, pid_t pid, bool has_children);

/* Removes the directory and all in it; the numbers stay, the paths go. */
void collection_end(struct collection *reports);

#endif
