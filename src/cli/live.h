/*
 * live: asking a process that runs on tarn, and goes on meanwhile.
 *
 * Whatever is refused, or does not work, has been said on stderr when a
 * function here returns NULL or false; the process is as it was.
 */
#ifndef TARN_CLI_LIVE_H
#define TARN_CLI_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct live_options {
	unsigned wants; /* enum control_wants */
	bool despite_seccomp;
	bool despite_memory; /* though its cgroup is near its limit */
	bool notes_sites;    /* from the first look on, where new blocks come
			     from */
};

struct live_report {
	char *bytes; /* as a report file has them; the caller frees them */
	size_t length;
};

struct live;

/* Checks whether PID can be asked. live_close frees it. */
struct live *live_open(pid_t pid, const struct live_options *options);

/* Where its memory is: a report with one record, WIRE_STATS. */
bool live_stats(struct live *live, struct live_report *report);

/*
 * One look: stops the process for milliseconds. What was not lost in each look
 * before is not told to be; when sites are noted, in the look just before: what
 * was lost since the first one is what has sites.
 */
bool live_look(struct live *live, struct live_report *report);

/* One look at who holds the block at ADDRESS: a report with WIRE_WHO. */
bool live_who(struct live *live, uint64_t address, struct live_report *report);

void live_close(struct live *live);

#endif
