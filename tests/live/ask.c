/*
 * ask: asks a process by the control channel, again and again, and prints a
 * line for each look.
 *
 *	ask [-n SESSIONS] [-k LOOKS] [-w MS] [-s] [-a ADDRESS] [-c] [-m] [-g]
 *	    [-o FOLDER] PID
 *
 * A session opens the channel and takes LOOKS looks, MS milliseconds apart. -s
 * asks for statistics instead of looks, -a who holds ADDRESS; -c is
 * --despite-seccomp, -m --despite-memory, -g notes sites. The last report of
 * each session goes to FOLDER. It ends with 125 at the first session that
 * fails, and then has said why.
 */
#include "cli/live.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/util.h"
#include "wire/control.h"
#include "wire/wire.h"

struct plan {
	int n_sessions;
	int n_looks;
	long nap_ms;
	bool asks_stats;
	uint64_t address;
	const char *folder;
	struct live_options options;
};

static void nap(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};
	nanosleep(&time, NULL);
}

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool is_told_wrong(const char *what, int session)
{
	printf("session %d: %s\n", session, what);
	return false;
}

/* The first record, which every report begins with. */
static const struct wire_process *process_of(const struct live_report *report,
					     struct wire_reader *reader)
{
	struct wire_record record;
	if (wire_open(reader, report->bytes, report->length) != WIRE_OK ||
	    wire_next(reader, &record) != WIRE_OK ||
	    record.kind != WIRE_PROCESS)
		return NULL;
	return record.fixed;
}

static bool is_whole(struct wire_reader *reader)
{
	struct wire_record record;
	do {
		if (wire_next(reader, &record) != WIRE_OK)
			return false;
	} while (record.kind != WIRE_END);
	return true;
}

/* Names of what a report is not sure of; "-" is none. */
static const char *doubts(uint32_t flags)
{
	static char text[64];
	snprintf(text, sizeof(text), "%s%s%s",
		 flags & WIRE_THREADS_RAN ? "+threads_ran" : "",
		 flags & WIRE_REGISTERS_UNSEEN ? "+registers_unseen" : "",
		 flags & WIRE_OUT_OF_MEMORY ? "+out_of_memory" : "");
	return text[0] == '\0' ? "-" : text + 1;
}

static void print_look(const struct wire_process *p, int session, int look,
		       uint64_t took_us)
{
	printf("session %d look %d flags %s threads %u live %" PRIu64
	       " lost %" PRIu64 " possible %" PRIu64 " foreign %" PRIu64
	       " unconfirmed %" PRIu64 " unread %" PRIu64 " stopped_us %" PRIu64
	       " traced_us %" PRIu64 " took_us %" PRIu64 "\n",
	       session, look, doubts(p->flags), p->n_threads, p->live_blocks,
	       p->lost_blocks, p->possible_blocks, p->foreign_blocks,
	       p->unconfirmed_blocks, p->unread_bytes, p->stopped_ns / 1000,
	       p->traced_ns / 1000, took_us);
}

static bool save(const struct plan *plan, int session,
		 const struct live_report *report)
{
	char path[4096];
	if (!plan->folder)
		return true;
	snprintf(path, sizeof(path), "%s/%04d.report", plan->folder, session);
	FILE *file = fopen(path, "we");
	if (!file)
		return false;
	bool is_saved = fwrite(report->bytes, 1, report->length, file) ==
			report->length;
	return fclose(file) == 0 && is_saved;
}

static bool ask_once(const struct plan *plan, struct live *live,
		     struct live_report *report)
{
	if (plan->asks_stats)
		return live_stats(live, report);
	if (plan->address != 0)
		return live_who(live, plan->address, report);
	return live_look(live, report);
}

static bool look(const struct plan *plan, struct live *live, int session,
		 int number)
{
	struct live_report report;
	struct wire_reader reader;
	uint64_t started_us = now_us();
	if (!ask_once(plan, live, &report))
		return is_told_wrong("no answer", session);
	const struct wire_process *process = process_of(&report, &reader);
	bool is_good = process && is_whole(&reader);
	if (is_good)
		print_look(process, session, number, now_us() - started_us);
	if (!save(plan, session, &report))
		is_good = is_told_wrong("the report cannot be saved", session);
	free(report.bytes);
	return is_good || is_told_wrong("a broken report", session);
}

static bool run_session(const struct plan *plan, pid_t pid, int session)
{
	struct live *live = live_open(pid, &plan->options);
	bool is_good = live != NULL;
	for (int i = 1; is_good && i <= plan->n_looks; i++) {
		if (i > 1)
			nap(plan->nap_ms);
		is_good = look(plan, live, session, i);
	}
	live_close(live);
	return is_good;
}

static bool parse(int n, char **arguments, struct plan *plan)
{
	int option;
	while ((option = getopt(n, arguments, "n:k:w:sa:cmgo:")) != -1)
		switch (option) {
		case 'n':
			plan->n_sessions = atoi(optarg);
			break;
		case 'k':
			plan->n_looks = atoi(optarg);
			break;
		case 'w':
			plan->nap_ms = atol(optarg);
			break;
		case 's':
			plan->asks_stats = true;
			break;
		case 'a':
			plan->address = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			plan->options.despite_seccomp = true;
			break;
		case 'm':
			plan->options.despite_memory = true;
			break;
		case 'g':
			plan->options.notes_sites = true;
			break;
		case 'o':
			plan->folder = optarg;
			break;
		default:
			return false;
		}
	return optind == n - 1;
}

int main(int n, char **arguments)
{
	struct plan plan = {.n_sessions = 1, .n_looks = 2, .nap_ms = 20};
	if (!parse(n, arguments, &plan)) {
		fprintf(stderr, "ask: wrong usage, see ask.c\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	plan.options.wants = CONTROL_WANTS_POSSIBLE;
	pid_t pid = atoi(arguments[optind]);
	for (int i = 1; i <= plan.n_sessions; i++) {
		if (i > 1)
			nap(plan.nap_ms);
		if (!run_session(&plan, pid, i))
			return STATUS_FAILED;
	}
	return 0;
}
