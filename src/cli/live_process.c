/*
 * live_process: status files, and which system calls a signal would end.
 */
#include "cli/live_process.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cli/limits.h"
#include "cli/process.h"
#include "cli/util.h"
#include "wire/control.h"

/* Longer than a look stops a process. */
#define SETTLE_MS 300
#define SETTLE_NAP_MS 7

struct status_lines {
	char state;
	unsigned uid; /* the real one */
	unsigned seccomp;
	unsigned tracer;
	uint64_t blocked;
	uint64_t ignored;
	uint64_t caught;
	uint64_t rss_kib;
};

static bool parse_status(FILE *file, struct status_lines *lines)
{
	char line[256];
	bool has_state = false;
	*lines = (struct status_lines){.rss_kib = 0};
	while (fgets(line, sizeof(line), file)) {
		has_state |= sscanf(line, "State: %c", &lines->state) == 1;
		sscanf(line, "Uid: %u", &lines->uid);
		sscanf(line, "TracerPid: %u", &lines->tracer);
		sscanf(line, "VmRSS: %" SCNu64, &lines->rss_kib);
		sscanf(line, "Seccomp: %u", &lines->seccomp);
		sscanf(line, "SigBlk: %" SCNx64, &lines->blocked);
		sscanf(line, "SigIgn: %" SCNx64, &lines->ignored);
		sscanf(line, "SigCgt: %" SCNx64, &lines->caught);
	}
	return has_state;
}

static bool read_status(const char *path, struct status_lines *lines)
{
	FILE *file = fopen(path, "re");
	bool is_read = file && parse_status(file, lines);
	if (file)
		fclose(file);
	return is_read;
}

static bool read_process(pid_t pid, struct status_lines *lines)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return read_status(path, lines);
}

bool live_is_alive(pid_t pid)
{
	struct status_lines lines;
	return read_process(pid, &lines) && lines.state != 'Z' &&
	       lines.state != 'X';
}

/* Whoever traces it for a look lets it go soon: another command, or the process
 * itself, which stops its threads by a helper. */
static bool read_settled(pid_t pid, struct status_lines *lines)
{
	struct timespec nap = {0, SETTLE_NAP_MS * 1000000L};
	bool is_read = read_process(pid, lines);
	for (int ms = 0; is_read && lines->state == 't' && ms < SETTLE_MS;
	     ms += SETTLE_NAP_MS) {
		nanosleep(&nap, NULL);
		is_read = read_process(pid, lines);
	}
	return is_read;
}

static bool has_signal(uint64_t set, int signal_number)
{
	return set >> (signal_number - 1) & 1;
}

/* 1: it maps a libtarn; 0: it does not, though it may be linked with it; -1:
 * we may not look. */
static int maps_tarn(pid_t pid)
{
	char path[64], line[4352];
	int result = 0;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	while (result == 0 && fgets(line, sizeof(line), file))
		result = strstr(line, "/libtarn") != NULL;
	if (result == 0 && ferror(file))
		result = -1;
	fclose(file);
	return result;
}

static bool check_state(pid_t pid, const struct status_lines *lines)
{
	int number = (int)pid;
	if (lines->state == 'Z' || lines->state == 'X')
		complain("process %d has ended; its parent has not noticed yet",
			 number);
	else if (lines->state == 'T')
		complain("process %d is stopped; it can answer once it goes "
			 "on (kill -CONT %d)",
			 number, number);
	else if (lines->state == 't')
		complain("process %d is stopped by its debugger (process %u); "
			 "it can answer once it goes on",
			 number, lines->tracer);
	else
		return true;
	return false;
}

static bool check_handler(pid_t pid, const struct status_lines *lines)
{
	if (has_signal(lines->caught, CONTROL_SIGNAL))
		return true;
	if (maps_tarn(pid) <= 0)
		complain("process %d does not run on tarn", (int)pid);
	else if (has_signal(lines->ignored, CONTROL_SIGNAL))
		complain("process %d runs on tarn but ignores SIGURG, by which "
			 "it is asked",
			 (int)pid);
	else
		complain("process %d runs on tarn but does not listen: it was "
			 "started with control:false, or has reset SIGURG",
			 (int)pid);
	return false;
}

bool live_check(pid_t pid, bool despite_seccomp)
{
	struct status_lines lines;
	if (pid == getpid()) {
		complain("process %d is this command", (int)pid);
		return false;
	}
	if (!read_settled(pid, &lines)) {
		complain("there is no process %d", (int)pid);
		return false;
	}
	if (geteuid() != 0 && lines.uid != geteuid()) {
		complain("process %d belongs to another user; only that user "
			 "and root may ask it",
			 (int)pid);
		return false;
	}
	if (!check_state(pid, &lines) || !check_handler(pid, &lines))
		return false;
	if (maps_tarn(pid) < 0) {
		complain("may not look at process %d: %s (it has made itself "
			 "undumpable; root may)",
			 (int)pid, strerror(errno));
		return false;
	}
	if (lines.seccomp != 0 && !despite_seccomp) {
		complain("process %d has a filter of system calls (seccomp), "
			 "which might end it if it answered; if you know that "
			 "it allows clone, ptrace and memfd_create: "
			 "--despite-seccomp",
			 (int)pid);
		return false;
	}
	return true;
}

void live_explain_silence(pid_t pid)
{
	struct status_lines lines;
	if (!read_settled(pid, &lines) || lines.state == 'Z')
		complain("process %d has ended", (int)pid);
	else if (!check_state(pid, &lines) || !check_handler(pid, &lines))
		return;
	else if (lines.seccomp != 0)
		complain("process %d did not answer: its filter of system "
			 "calls (seccomp) may forbid that",
			 (int)pid);
	else
		complain("process %d did not answer: it handles SIGURG itself, "
			 "its threads wait for a device, or it is very busy",
			 (int)pid);
}

/* --- limits ----------------------------------------------------------- */

/* A copy needs page tables, bitmaps, and whatever the process writes
 * meanwhile. */
#define COPY_BYTES_MIN ((uint64_t)16 << 20)

bool live_check_memory(pid_t pid)
{
	struct process process;
	struct limits limits;
	struct arena arena = {NULL, 0};
	bool is_enough;
	if (!process_open(&process, pid))
		return true; /* the next step will say so */
	limits_read(&process, "/proc", &arena, &limits);
	const struct limit *limit = &limits.limits[LIMIT_MAX];
	uint64_t needed = COPY_BYTES_MIN + process.resident_bytes / 16;
	is_enough = !limit->is_set || limit_room(limit) >= needed;
	if (!is_enough)
		complain("process %d's cgroup is near its limit: %" PRIu64
			 " MiB are left, and a copy may need %" PRIu64
			 " MiB; if it may be so: --despite-memory",
			 (int)pid, limit_room(limit) >> 20, needed >> 20);
	process_close(&process);
	arena_free(&arena);
	return is_enough;
}

/* --- threads ---------------------------------------------------------- */

/* System calls that fail with EINTR after any handler, see signal(7); others
 * are restarted. */
static bool is_ended_by_signals(long number)
{
	static const long ended[] = {
#ifdef SYS_poll
		SYS_poll,
#endif
#ifdef SYS_select
		SYS_select,
#endif
#ifdef SYS_epoll_wait
		SYS_epoll_wait,
#endif
#ifdef SYS_pause
		SYS_pause,
#endif
		SYS_ppoll,	  SYS_pselect6,	       SYS_epoll_pwait,
		SYS_nanosleep,	  SYS_clock_nanosleep, SYS_rt_sigsuspend,
		SYS_semtimedop,	  SYS_msgrcv,	       SYS_msgsnd,
		SYS_io_getevents, SYS_connect,
	};
	for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++)
		if (ended[i] == number)
			return true;
	return false;
}

/* How much a signal disturbs: 0 not at all, 3: it cannot be taken. */
static int disturbance(pid_t pid, pid_t thread, int signal_number)
{
	char path[64], text[64] = "";
	struct status_lines lines;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid,
		 (int)thread);
	if (!read_status(path, &lines) || !strchr("RSI", lines.state) ||
	    has_signal(lines.blocked, signal_number))
		return 3;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid,
		 (int)thread);
	FILE *file = fopen(path, "re");
	bool is_known = file && fgets(text, sizeof(text), file);
	if (file)
		fclose(file);
	if (!is_known)
		return 1; /* needs more rights than ours */
	if (!isdigit((unsigned char)text[0]))
		return 1; /* running; it may be in one when the signal comes */
	long number = strtol(text, NULL, 10);
	if (number == SYS_rt_sigtimedwait)
		return 3; /* it would be given the signal, not its handler */
	return is_ended_by_signals(number) ? 2 : 0;
}

pid_t live_choose_thread(pid_t pid, int signal_number)
{
	char path[64];
	pid_t chosen = 0;
	int least = 3;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *folder = opendir(path);
	struct dirent *entry;
	while (folder && least > 0 && (entry = readdir(folder))) {
		pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
		if (thread <= 0)
			continue;
		int much = disturbance(pid, thread, signal_number);
		if (much < least) {
			least = much;
			chosen = thread;
		}
	}
	if (folder)
		closedir(folder);
	return chosen;
}
