/*
 * limits: how much memory a process may have, and how much of that is in use.
 */
#ifndef TARN_CLI_LIMITS_H
#define TARN_CLI_LIMITS_H

#include "cli/process.h"

enum limit_kind {
	LIMIT_MAX,     /* of its control group; more is killed */
	LIMIT_HIGH,    /* of its control group; more is slowed down */
	LIMIT_AS,      /* RLIMIT_AS, against VmSize */
	LIMIT_DATA,    /* RLIMIT_DATA, against VmData */
	LIMIT_MACHINE, /* what is neither free nor could be freed is in use */
	N_LIMITS,
};

struct limit {
	bool is_set;
	uint64_t limit_bytes;
	uint64_t used_bytes; /* of a group: without the page cache */
	const char *group;   /* the directory of the group; else NULL */
};

struct limits {
	bool has_old_groups; /* cgroup v1 */
	struct limit limits[N_LIMITS];
};

/*
 * Reads all limits of PROCESS. Of the groups that it is in, each below the
 * other, that counts which has the least room left. PROC: "/proc".
 */
void limits_read(const struct process *process, const char *proc,
		 struct arena *arena, struct limits *limits);

/* "memory.max", "RLIMIT_AS", "the machine's memory". */
const char *limit_name(const struct limits *limits, enum limit_kind kind);

/* What is left; 0 if it is exceeded. */
uint64_t limit_room(const struct limit *limit);

#endif
