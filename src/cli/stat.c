/*
 * stat: the verb that shows where every byte of a process is, how it grows, and
 * when a limit is reached.
 *
 * The process may end at any time, between any two readings: what was read
 * before is shown.
 */
#include "cli/stat.h"
#include "cli/live.h"
#include "cli/options.h"
#include "cli/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_S_MAX 86400.0

/* A watch tells the growth since so many readings before. */
#define N_KEPT 10

struct stat_options {
	pid_t pid;
	double interval_s;
	bool is_json;
	bool is_watch;
	bool despite_seccomp;
	bool wants_help;
};

/* What growth is computed from. */
struct kept {
	double at_s;
	uint64_t resident_bytes, live_bytes;
	bool has_live;
};

struct watch {
	const struct stat_options *options;
	struct live *live; /* NULL: it is not asked */
	struct kept kept[N_KEPT];
	size_t n_taken;
	int n_drawn; /* lines on the terminal, to be drawn again */
	struct moment moment;
};

/* --- one reading --------------------------------------------------------- */

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stop_asking(struct watch *watch)
{
	if (watch->live)
		live_close(watch->live);
	watch->live = NULL;
}

static void note_growth(struct watch *watch)
{
	const struct memory_map *map = &watch->moment.map;
	struct growth *growth = &watch->moment.growth;
	size_t n = watch->n_taken < N_KEPT ? watch->n_taken : N_KEPT;
	struct kept new = {now_s(), map->resident_bytes, map->stats.live_bytes,
			   map->has_heap};
	const struct kept *old = &watch->kept[(watch->n_taken - n) % N_KEPT];
	if (n > 0) {
		growth->is_known = true;
		growth->over_s = new.at_s - old->at_s;
		growth->has_live = new.has_live && old->has_live;
		growth->resident_per_s = ((double)new.resident_bytes -
					  (double)old->resident_bytes) /
					 growth->over_s;
		growth->live_per_s =
			((double)new.live_bytes - (double)old->live_bytes) /
			growth->over_s;
	}
	watch->kept[watch->n_taken++ % N_KEPT] = new;
}

/* Reads the mappings, and, if it can be asked, what the process tells. */
static bool read_memory(struct watch *watch, struct memory_map *map)
{
	int directory = watch->moment.process.directory;
	struct live_report report = {0};
	struct wire_record stats;
	bool is_read;
	if (!watch->live)
		return memory_read(directory, NULL, map);
	if (!live_stats(watch->live, &report) ||
	    !memory_find_stats(report.bytes, report.length, &stats)) {
		stop_asking(watch);
		watch->moment.unknown = "it did not answer, see stderr";
		is_read = memory_read(directory, NULL, map);
	} else {
		is_read = memory_read(directory, &stats, map);
	}
	free(report.bytes);
	return is_read;
}

/* False with errno: the moment is still the one before. */
static bool take(struct watch *watch)
{
	struct moment *moment = &watch->moment;
	struct process process = moment->process;
	struct memory_map map;
	if (!read_memory(watch, &map) || !process_read(&process))
		return false;
	arena_free(&moment->arena);
	moment->process = process;
	moment->map = map;
	moment->user = process_user(&process, &moment->arena);
	note_growth(watch);
	limits_read(&process, "/proc", &moment->arena, &moment->limits);
	return true;
}

/* --- showing ------------------------------------------------------------- */

/* Draws TEXT over what was drawn before, cut to the height of the terminal. */
static void draw(struct watch *watch, const char *text)
{
	struct winsize size = {0};
	int rows, n = 0;
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row > 1 ? size.ws_row - 1 : 23;
	if (watch->n_drawn > 0)
		printf("\033[%dA", watch->n_drawn);
	for (; *text && n < rows; n++) {
		size_t length = strcspn(text, "\n");
		printf("\r%.*s\033[K\n", (int)length, text);
		text += length + (text[length] == '\n');
	}
	fputs("\033[J", stdout);
	watch->n_drawn = n;
}

static bool draw_screen(struct watch *watch)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	if (!out)
		return false;
	moment_show_text(out, &watch->moment);
	if (fclose(out) == 0)
		draw(watch, text);
	free(text);
	return true;
}

static bool show(struct watch *watch)
{
	const struct stat_options *options = watch->options;
	struct moment *moment = &watch->moment;
	bool is_good = true;
	errno = 0;
	if (options->is_json)
		is_good = moment_show_json(stdout, moment, options->is_watch);
	else if (!options->is_watch)
		moment_show_text(stdout, moment);
	else if (isatty(STDOUT_FILENO))
		is_good = draw_screen(watch);
	else
		moment_show_line(stdout, moment);
	if (fflush(stdout) == 0 && is_good)
		return true;
	complain("cannot write where memory is: %s",
		 errno ? strerror(errno) : "it failed");
	return false;
}

/* --- the verb ------------------------------------------------------------ */

/* Waits for the interval; false if the user ends the watch. */
static bool wait_interval(const struct stat_options *options)
{
	double whole = (double)(time_t)options->interval_s;
	struct timespec interval = {
		.tv_sec = (time_t)whole,
		.tv_nsec = (long)((options->interval_s - whole) * 1e9),
	};
	sigset_t ends;
	sigemptyset(&ends);
	if (options->is_watch) {
		sigaddset(&ends, SIGINT);
		sigaddset(&ends, SIGTERM);
	}
	sigprocmask(SIG_BLOCK, &ends, NULL);
	return sigtimedwait(&ends, NULL, &interval) < 0;
}

static enum status complain_of_end(const struct process *process)
{
	complain("process %d (%s) has ended", (int)process->pid, process->name);
	return STATUS_FAILED;
}

static enum status complain_of_reading(const struct process *process)
{
	if (errno == ENOENT || errno == ESRCH)
		return complain_of_end(process);
	complain("may not look at the memory of process %d (%s): %s; its user "
		 "may, or root",
		 (int)process->pid, process->name, strerror(errno));
	return STATUS_FAILED;
}

static enum status watch_it(struct watch *watch)
{
	const struct stat_options *options = watch->options;
	const struct process *process = &watch->moment.process;
	bool is_shown = true;
	if (!take(watch))
		return complain_of_reading(process);
	if (options->is_watch)
		is_shown = show(watch);
	while (is_shown && options->interval_s > 0) {
		if (!wait_interval(options))
			return STATUS_OK;
		if (!take(watch)) {
			complain_of_end(process);
			if (options->is_watch)
				return STATUS_OK;
			break;
		}
		if (!options->is_watch)
			break;
		is_shown = show(watch);
	}
	if (!options->is_watch)
		is_shown = show(watch);
	return is_shown ? STATUS_OK : STATUS_FAILED;
}

/* What has no memory, or none that is its own. */
static bool complain_of_kind(const struct process *process)
{
	int pid = (int)process->pid;
	if (process->is_kernel)
		complain("%d (%s) is a thread of the kernel: it has no memory "
			 "of its own",
			 pid, process->name);
	else if (process->is_zombie)
		complain("process %d (%s) has ended; only its parent has not "
			 "asked yet how",
			 pid, process->name);
	else if (process->group != process->pid)
		complain("%d is a thread of process %d; try 'tarn stat %d'",
			 pid, (int)process->group, (int)process->group);
	else
		return false;
	return true;
}

static enum status stat_process(const struct stat_options *options)
{
	const struct live_options asking = {
		.despite_seccomp = options->despite_seccomp,
	};
	struct watch watch = {.options = options};
	struct process *process = &watch.moment.process;
	enum status status = STATUS_FAILED;
	if (!process_open(process, options->pid)) {
		complain("there is no process %d", (int)options->pid);
		return STATUS_FAILED;
	}
	if (complain_of_kind(process)) {
		/* It has said why. */
	} else if (!process_find_tarn(process)) {
		status = complain_of_reading(process);
	} else {
		watch.moment.unknown = process_refusal(process);
		if (!watch.moment.unknown) {
			watch.live = live_open(options->pid, &asking);
			if (!watch.live)
				watch.moment.unknown =
					"it cannot be asked, see stderr";
		}
		status = watch_it(&watch);
		stop_asking(&watch);
	}
	process_close(process);
	arena_free(&watch.moment.arena);
	return status;
}

static bool parse_interval(const char *text, double *interval_s)
{
	char *end;
	*interval_s = strtod(text, &end);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' &&
	    *interval_s <= INTERVAL_S_MAX)
		return true;
	complain("--interval: '%s' is no number of seconds up to %.0f; try "
		 "'tarn --help'",
		 text, INTERVAL_S_MAX);
	return false;
}

static bool parse_pid(const char *text, pid_t *pid)
{
	char *end;
	long value;
	if (!text) {
		complain("stat: which process? try 'tarn ls'");
		return false;
	}
	value = strtol(text, &end, 10);
	if (text[0] >= '1' && text[0] <= '9' && *end == '\0' &&
	    value <= 0x7fffffff) {
		*pid = (pid_t)value;
		return true;
	}
	complain("stat: '%s' is not the number of a process; try 'tarn ls'",
		 text);
	return false;
}

/* Those without a letter: see options_complain. */
enum { OPTION_INTERVAL = 256, OPTION_JSON, OPTION_WATCH, OPTION_SECCOMP };

static bool parse(struct stat_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"interval", required_argument, NULL, OPTION_INTERVAL},
		{"json", no_argument, NULL, OPTION_JSON},
		{"watch", no_argument, NULL, OPTION_WATCH},
		{"despite-seccomp", no_argument, NULL, OPTION_SECCOMP},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int name;
	*options = (struct stat_options){.interval_s = 1};
	opterr = 0;
	optind = 1;
	while ((name = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		if (name == '?' || name == ':')
			return options_complain(name, argv[0],
						argv[optind - 1]);
		if (name == OPTION_INTERVAL &&
		    !parse_interval(optarg, &options->interval_s))
			return false;
		options->is_json |= name == OPTION_JSON;
		options->despite_seccomp |= name == OPTION_SECCOMP;
		options->is_watch |= name == OPTION_WATCH;
		options->wants_help |= name == 'h';
	}
	if (options->wants_help)
		return true;
	if (options->is_watch && options->interval_s == 0) {
		complain("--watch needs an --interval above 0; try 'tarn "
			 "--help'");
		return false;
	}
	if (argc > optind + 1) {
		complain("stat: one process at a time; try 'tarn --help'");
		return false;
	}
	return parse_pid(argv[optind], &options->pid);
}

enum status stat_verb(int argc, char **argv)
{
	struct stat_options options;
	if (!parse(&options, argc, argv))
		return STATUS_FAILED;
	if (options.wants_help)
		return help_verb("stat");
	return stat_process(&options);
}
