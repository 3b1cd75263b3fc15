/*
 * run: the verb that runs a program on tarn.
 *
 * Without --leaks the command becomes the program. With it, the program is a
 * child, and a private directory collects what the library writes in it and in
 * its children: PID.started when it is loaded, PID.N.report when it traced.
 */
#include "cli/collect.h"
#include "cli/program.h"
#include "cli/render.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
	struct options options;
	char **argv; /* of the program */
	char library[PATH_MAX];
	struct collection reports;
	struct output output;
	pid_t pid;
	int wait_status;
};

/* --- the program's environment ------------------------------------------- */

/* Sets NAME to FIRST, SEPARATOR and SECOND; either may be NULL or empty. */
static void set_joined(const char *name, const char *first,
		       const char *separator, const char *second)
{
	struct arena arena = {0};
	if (!first)
		first = "";
	if (!second)
		second = "";
	if (!*first || !*second)
		separator = "";
	setenv(name, arena_print(&arena, "%s%s%s", first, separator, second),
	       1);
	arena_free(&arena);
}

static void set_environment(const struct run *run)
{
	const struct options *options = &run->options;
	const char *sites = options->sites;
	struct arena arena = {0};
	if (!sites && options->has_leaks)
		sites = "all";
	set_joined("LD_PRELOAD", run->library, ":", getenv("LD_PRELOAD"));
	if (options->has_leaks)
		set_joined("TARN_CONF", getenv("TARN_CONF"), ",", "leaks:true");
	if (sites)
		set_joined("TARN_CONF", getenv("TARN_CONF"), ",",
			   arena_print(&arena, "sites:%s", sites));
	if (options->has_leaks)
		setenv("TARN_REPORTS", run->reports.directory, 1);
	unsetenv("TARN_REPORTS_PID");
	if (!options->has_children)
		setenv("TARN_REPORTS_PID",
		       arena_print(&arena, "%ld", (long)getpid()), 1);
	arena_free(&arena);
}

static enum status status_of_errno(int error)
{
	return error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static enum status become_program(const struct run *run)
{
	int error;
	set_environment(run);
	execvp(run->argv[0], run->argv);
	error = errno;
	complain("cannot run %s: %s", run->argv[0], strerror(error));
	return status_of_errno(error);
}

/* --- signals ------------------------------------------------------------- */

static const int forwarded[] = {SIGTERM, SIGHUP, SIGUSR1,
				SIGUSR2, SIGINT, SIGQUIT};

#define N_FORWARDED (sizeof(forwarded) / sizeof(forwarded[0]))

/* Fixed before the handler is installed. */
static volatile pid_t forward_to;

/* Those of a terminal come from the kernel, and the program gets them too. */
static void forward(int signal, siginfo_t *info, void *context)
{
	bool is_of_terminal =
		(signal == SIGINT || signal == SIGQUIT) && info->si_code > 0;
	int error = errno;
	(void)context;
	if (!is_of_terminal)
		kill(forward_to, signal);
	errno = error;
}

/* A signal that was ignored stays so, as nohup(1) wants it. */
static void handle_signals(pid_t pid)
{
	struct sigaction action = {.sa_sigaction = forward,
				   .sa_flags = SA_RESTART | SA_SIGINFO};
	forward_to = pid;
	for (size_t i = 0; i < N_FORWARDED; i++) {
		struct sigaction old;
		sigaction(forwarded[i], NULL, &old);
		if (old.sa_handler != SIG_IGN)
			sigaction(forwarded[i], &action, NULL);
	}
}

/* None may be lost between fork and handle_signals(). */
static void block_signals(sigset_t *old)
{
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < N_FORWARDED; i++)
		sigaddset(&set, forwarded[i]);
	sigprocmask(SIG_BLOCK, &set, old);
	/* Were it ignored, the child's status would be gone. */
	signal(SIGCHLD, SIG_DFL);
}

/*
 * After the program's end: nobody is left to forward to, and the program's
 * status is to be passed on also when nobody reads the report.
 */
static void ignore_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < N_FORWARDED; i++)
		signal(forwarded[i], SIG_IGN);
}

/* --- the child ----------------------------------------------------------- */

static _Noreturn void run_child(const struct run *run, int error_fd)
{
	int error;
	set_environment(run);
	execvp(run->argv[0], run->argv);
	error = errno;
	while (write(error_fd, &error, sizeof(error)) < 0 && errno == EINTR)
		;
	_exit(status_of_errno(error));
}

/* What kept the child from becoming the program; 0: nothing. */
static int read_error(int fd)
{
	int error = 0;
	ssize_t n;
	do
		n = read(fd, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : 0;
}

static enum status start_program(struct run *run)
{
	sigset_t old;
	int pipe_fds[2];
	int error;
	if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
		complain("cannot make a pipe: %s", strerror(errno));
		return STATUS_FAILED;
	}
	block_signals(&old);
	run->pid = fork();
	if (run->pid == 0) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		run_child(run, pipe_fds[1]);
	}
	error = errno;
	close(pipe_fds[1]);
	if (run->pid > 0)
		handle_signals(run->pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (run->pid < 0) {
		complain("cannot fork: %s", strerror(error));
		close(pipe_fds[0]);
		return STATUS_FAILED;
	}
	error = read_error(pipe_fds[0]);
	close(pipe_fds[0]);
	while (waitpid(run->pid, &run->wait_status, 0) < 0 && errno == EINTR)
		;
	ignore_signals();
	if (error == 0)
		return STATUS_OK;
	complain("cannot run %s: %s", run->argv[0], strerror(error));
	return status_of_errno(error);
}

/* --- afterwards ---------------------------------------------------------- */

/* The program traced nothing: why? */
static void explain_no_report(const struct run *run)
{
	const char *name = run->argv[0];
	int status = run->wait_status;
	if (WIFSIGNALED(status))
		complain("no report of %s (pid %ld): it was killed by signal "
			 "%d (%s) before it could look for leaks",
			 name, (long)run->pid, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		complain("no report of %s (pid %ld): it ended, with status "
			 "%d, by a system call of its own, or as another "
			 "program",
			 name, (long)run->pid, WEXITSTATUS(status));
}

static enum status show_reports(struct run *run)
{
	const struct options *options = &run->options;
	struct collection *reports = &run->reports;
	enum status status = STATUS_OK;
	struct model model;
	model_start(&model);
	for (size_t i = 0; i < reports->n_paths; i++) {
		if (!model_read(&model, reports->paths[i]))
			status = STATUS_FAILED;
	}
	/* Now: writing may end the command. */
	collection_end(reports);
	if (!output_finish(&run->output, options, &model))
		status = STATUS_FAILED;
	if (status == STATUS_OK && model_has_findings(&model, options->fail_on))
		status = STATUS_FINDINGS;
	model_free(&model);
	if (!reports->was_started) {
		complain("the library %s was not loaded into %s: there is "
			 "nothing to report",
			 run->library, run->argv[0]);
		return STATUS_FAILED;
	}
	if (reports->n_own_reports == 0)
		explain_no_report(run);
	if (reports->n_missing)
		complain("no report of %zu child process%s: still running, "
			 "killed, or ended by a system call of their own",
			 reports->n_missing,
			 reports->n_missing == 1 ? "" : "es");
	/* Nobody looked: that is no success for who wants to know. */
	if (status == STATUS_OK && options->fail_on &&
	    reports->n_own_reports == 0 && WIFEXITED(run->wait_status))
		return STATUS_FAILED;
	return status;
}

static _Noreturn void die_by(int signal_number)
{
	struct rlimit none = {0, 0};
	sigset_t set;
	setrlimit(RLIMIT_CORE, &none);
	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal_number);
	/* It was one that does not kill, then. */
	_exit(128 + signal_number);
}

static enum status trace_program(struct run *run)
{
	enum status status;
	if (!output_open(&run->output, &run->options, stderr))
		return STATUS_FAILED;
	if (!collection_start(&run->reports))
		return STATUS_FAILED;
	status = start_program(run);
	if (status == STATUS_OK) {
		collection_read(&run->reports, run->pid,
				run->options.has_children);
		status = show_reports(run);
	} else {
		collection_end(&run->reports);
	}
	if (status == STATUS_FAILED || status >= STATUS_NOT_EXECUTABLE)
		return status;
	if (WIFSIGNALED(run->wait_status))
		die_by(WTERMSIG(run->wait_status));
	if (status == STATUS_OK)
		status = WEXITSTATUS(run->wait_status);
	return status;
}

enum status run_verb(int argc, char **argv)
{
	static struct run run;
	enum status status;
	if (!options_parse(&run.options, VERB_RUN, argc, argv))
		return STATUS_FAILED;
	if (run.options.wants_help)
		return help_verb("run");
	if (run.options.first_operand == argc) {
		complain("run: which program? try 'tarn --help'");
		return STATUS_FAILED;
	}
	run.argv = argv + run.options.first_operand;
	if (!find_library(run.options.library, run.library) ||
	    !check_library(run.library))
		return STATUS_FAILED;
	status = check_program(run.argv[0]);
	if (status != STATUS_OK)
		return status;
	return run.options.has_leaks ? trace_program(&run)
				     : become_program(&run);
}
