/*
 * process: what /proc tells of a process, and whether it runs on tarn.
 */
#ifndef TARN_CLI_PROCESS_H
#define TARN_CLI_PROCESS_H

#include "cli/util.h"

#include <stdint.h>
#include <sys/types.h>

enum process_link {
	PROCESS_NOT_ON_TARN,
	PROCESS_WITH_LIBRARY, /* a libtarn.so is mapped */
	PROCESS_WITH_ARCHIVE, /* its program was linked with libtarn.a */
};

struct process {
	pid_t pid;
	pid_t group;   /* another number: PID is a thread of that process */
	int directory; /* /proc/PID: fails once the process is gone */
	uid_t user;
	bool is_ours;	/* as its user, or root, we may ask it */
	bool is_kernel; /* a thread of the kernel's */
	bool is_zombie;
	bool catches_signal; /* CONTROL_SIGNAL */
	char name[64];	     /* clean */
	uint64_t n_threads;
	uint64_t resident_bytes, virtual_bytes, data_bytes;
	double running_s;
	/* By process_find_tarn. */
	enum process_link link;
	char version[32]; /* "": unknown */
};

/* Opens PID and reads what everybody may. False with errno: no such process. */
bool process_open(struct process *process, pid_t pid);
void process_close(struct process *process);

/* Reads it again; false if the process has ended. */
bool process_read(struct process *process);

/* Finds whether it runs on tarn. False with errno if we may not know. */
bool process_find_tarn(struct process *process);

/* Why it cannot be asked, as "it ..."; NULL if it can. */
const char *process_refusal(const struct process *process);

/* Its program and arguments; those are N strings, clean. */
size_t process_arguments(const struct process *process, struct arena *arena,
			 const char ***arguments);

/* The name of its user, or the number. */
const char *process_user(const struct process *process, struct arena *arena);

/* "3 d 4 h", "2 min 10 s", "0.4 s". */
const char *phrase_time(struct arena *arena, double seconds);

#endif
