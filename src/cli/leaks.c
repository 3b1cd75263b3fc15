/*
 * leaks: the verb that looks for leaks in a process that goes on running.
 *
 * Each look has a model of its own; what is shown is the last one. A look that
 * fails ends it, and what the looks before have found is still shown.
 */
#include "cli/growth.h"
#include "cli/live.h"
#include "cli/memory.h"
#include "cli/render.h"
#include "cli/target.h"
#include "cli/verbs.h"
#include "wire/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Who waits longer at a terminal is told what for. */
#define LONG_S 1
#define SHORT_INTERVAL_S 0.2

struct leaks {
	struct options options;
	pid_t pid;
	struct live *live;
	struct growth *growth; /* NULL: not asked for */
	struct model models[2];
	struct model *model; /* of them: that of the last look that worked */
	unsigned int n_looks;
	double started_s;
	uint64_t stopped_ns; /* the longest */
};

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Until then; false: the user wants no more. Ctrl-C is caught here alone: in
 * a look it ends the command at once, and the process goes on without it.
 */
static bool wait_for(double seconds)
{
	double end = now_s() + seconds;
	sigset_t set, old;
	int signal_number;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, &old);
	do {
		double left = end - now_s();
		struct timespec time = {0};
		if (left > 0) {
			time.tv_sec = (time_t)left;
			time.tv_nsec =
				(long)((left - (double)time.tv_sec) * 1e9);
		}
		signal_number = sigtimedwait(&set, NULL, &time);
	} while (signal_number < 0 && errno == EINTR);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return signal_number != SIGINT;
}

static void say_progress(const struct leaks *leaks, unsigned int n)
{
	const struct options *options = &leaks->options;
	const struct model_process *process = leaks->model->processes[0];
	struct arena arena = {0};
	if (options->interval_s < LONG_S || !isatty(STDERR_FILENO))
		return;
	complain("look %u of %u: %s live; the next in %g s, Ctrl-C ends it", n,
		 options->n_looks,
		 phrase_bytes(&arena, process->wire.live_bytes),
		 options->interval_s);
	arena_free(&arena);
}

/* The model of what the process answered; NULL: it makes no sense. */
static struct model *read_look(struct leaks *leaks,
			       const struct live_report *report, bool *is_good)
{
	struct model *model = &leaks->models[leaks->n_looks % 2];
	struct arena arena = {0};
	const char *name =
		arena_print(&arena, "the report of pid %ld", (long)leaks->pid);
	model_start(model);
	*is_good = model_read_bytes(model, report->bytes, report->length, name);
	arena_free(&arena);
	if (model->n_processes)
		return model;
	model_free(model);
	return NULL;
}

static bool look(struct leaks *leaks, struct live *live, bool is_of_growth)
{
	struct live_report report = {0};
	double at_s = now_s();
	struct model_process *process;
	struct model *model;
	bool is_good;
	if (leaks->n_looks == 0)
		leaks->started_s = at_s;
	if (!live_look(live, &report))
		return false;
	model = read_look(leaks, &report, &is_good);
	free(report.bytes);
	if (!model)
		return false;
	if (leaks->model)
		model_free(leaks->model);
	leaks->model = model;
	leaks->n_looks++;
	process = model->processes[0];
	if (process->wire.stopped_ns > leaks->stopped_ns)
		leaks->stopped_ns = process->wire.stopped_ns;
	if (is_of_growth && leaks->growth)
		growth_add(leaks->growth, process, at_s - leaks->started_s);
	return is_good;
}

static struct live *open_process(const struct leaks *leaks, bool notes_sites)
{
	const struct options *options = &leaks->options;
	const struct live_options how = {
		.wants = CONTROL_WANTS_POSSIBLE |
			 (options->is_growing ? CONTROL_WANTS_REACHED : 0),
		.despite_seccomp = options->despite_seccomp,
		.despite_memory = options->despite_memory,
		.notes_sites = notes_sites,
	};
	return live_open(leaks->pid, &how);
}

/*
 * The last look at what grows is two. What was not lost in the first look, long
 * ago, would not be told: it is told if it is lost in both of these.
 */
static bool look_for_good(struct leaks *leaks)
{
	struct live *live = open_process(leaks, false);
	bool is_good = live && look(leaks, live, false);
	if (is_good) {
		wait_for(SHORT_INTERVAL_S);
		is_good = look(leaks, live, true);
	}
	live_close(live);
	return is_good;
}

/* All looks, or those until the user has had enough. */
static bool look_all(struct leaks *leaks)
{
	const struct options *options = &leaks->options;
	unsigned int n = options->n_looks;
	for (unsigned int i = 0; i < n; i++) {
		if (i > 0) {
			say_progress(leaks, i);
			if (!wait_for(options->interval_s)) {
				complain("interrupted after %u of %u looks", i,
					 n);
				break;
			}
		}
		if (!(options->is_growing && i + 1 == n
			      ? look_for_good(leaks)
			      : look(leaks, leaks->live, true)))
			return false;
	}
	return true;
}

/* Where all memory of the process is: the page shows it beside the leaks. */
static void read_memory(struct leaks *leaks)
{
	struct model *model = leaks->model;
	struct memory_map *map = arena_take(&model->arena, sizeof(*map));
	struct live_report report = {0};
	struct wire_record stats;
	const char *path =
		arena_print(&model->arena, "/proc/%ld", (long)leaks->pid);
	int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0 && live_stats(leaks->live, &report) &&
	    memory_find_stats(report.bytes, report.length, &stats) &&
	    memory_read(directory, &stats, map))
		model->processes[0]->memory = map;
	free(report.bytes);
	if (directory >= 0)
		close(directory);
}

static enum status show(struct leaks *leaks, struct output *output,
			bool is_good)
{
	const struct options *options = &leaks->options;
	enum status status = is_good ? STATUS_OK : STATUS_FAILED;
	struct model_process *process = leaks->model->processes[0];
	process->wire.stopped_ns = leaks->stopped_ns;
	process->wire.n_looks = leaks->n_looks;
	if (leaks->growth)
		growth_finish(leaks->growth, process);
	if (!output_finish(output, options, leaks->model))
		status = STATUS_FAILED;
	if (status == STATUS_OK &&
	    model_has_findings(leaks->model, options->fail_on))
		status = STATUS_FINDINGS;
	return status;
}

/* The output is opened after the process was: a file that is there stays as it
 * is when the process cannot be asked. */
static enum status trace(struct leaks *leaks)
{
	const struct options *options = &leaks->options;
	struct output output;
	enum status status = STATUS_FAILED;
	bool is_good;
	if (!output_open(&output, options, stdout))
		return STATUS_FAILED;
	if (options->is_growing)
		leaks->growth = growth_start(options->n_looks);
	is_good = look_all(leaks);
	if (is_good && options->format == FORMAT_HTML)
		read_memory(leaks);
	live_close(leaks->live);
	leaks->live = NULL;
	if (leaks->n_looks > 0) {
		status = show(leaks, &output, is_good);
		model_free(leaks->model);
	}
	if (leaks->growth)
		growth_free(leaks->growth);
	return status;
}

enum status leaks_verb(int argc, char **argv)
{
	struct leaks leaks = {0};
	struct options *options = &leaks.options;
	if (!options_parse(options, VERB_LEAKS, argc, argv))
		return STATUS_FAILED;
	if (options->wants_help)
		return help_verb("leaks");
	if (options->first_operand == argc) {
		complain("leaks: of which process? try 'tarn --help'");
		return STATUS_FAILED;
	}
	if (options->first_operand + 1 < argc) {
		complain("leaks: one process at a time, not '%s'; try "
			 "'tarn --help'",
			 argv[options->first_operand + 1]);
		return STATUS_FAILED;
	}
	if (!target_parse("leaks", argv[options->first_operand], &leaks.pid))
		return STATUS_FAILED;
	leaks.live = open_process(&leaks, options->is_growing);
	return leaks.live ? trace(&leaks) : STATUS_FAILED;
}
