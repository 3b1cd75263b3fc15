/*
 * measure: starts one program under one malloc and writes down what it cost.
 *
 * 	measure [-p LIBRARIES] [-w FILE] [-i MS] [-t S] -o FILE PROGRAM ...
 *
 * -p is LD_PRELOAD for the program, and for it alone; -w is where the witness
 * among those libraries writes (see witness.c). FILE gets a line for each
 * figure and, each MS, one for the resident bytes:
 *
 * 	figure NAME VALUE      rss SECONDS BYTES      pid N      end HOW N
 *
 * where HOW is `exit`, `signal` or `timeout`. The status is the program's own,
 * 124 after a timeout. SIGTERM and SIGINT are passed on.
 *
 * It is a small program of its own, and not part of the driver, because the
 * kernel counts the memory of who forks towards the peak of what it forks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define CANNOT_START 127
#define TIMED_OUT 124

static const char *preload, *witness, *out_name;
static double interval_s = 0.01, timeout_s = 60;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	exit(125);
}

static _Noreturn void usage(void)
{
	fputs("usage: measure [-p LIBRARIES] [-w FILE] [-i MS] [-t SECONDS] "
	      "-o FILE PROGRAM [ARGUMENT ...]\n",
	      stderr);
	exit(125);
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* -- hardware counters, where the machine has them ------------------------- */

#define CACHE_MISS(cache)                                                      \
	((cache) | PERF_COUNT_HW_CACHE_OP_READ << 8 |                          \
	 PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

static struct counter {
	const char *name;
	uint32_t type;
	uint64_t config;
	int fd;
} counters[] = {
	{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, -1},
	{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, -1},
	{"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, -1},
	{"tlb_misses", PERF_TYPE_HW_CACHE, CACHE_MISS(PERF_COUNT_HW_CACHE_DTLB),
	 -1},
};

/* They begin to count at the exec of CHILD, and count its children too. */
static void counters_open(pid_t child)
{
	for (size_t i = 0; i < LENGTH(counters); i++) {
		struct perf_event_attr attr = {
			.type = counters[i].type,
			.size = sizeof(attr),
			.config = counters[i].config,
			.disabled = 1,
			.inherit = 1,
			.exclude_hv = 1,
			.enable_on_exec = 1,
			.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
				       PERF_FORMAT_TOTAL_TIME_RUNNING,
		};
		counters[i].fd = (int)syscall(SYS_perf_event_open, &attr, child,
					      -1, -1, PERF_FLAG_FD_CLOEXEC);
	}
}

/* What was counted part of the time is scaled to the whole of it. */
static void counters_write(FILE *out)
{
	for (size_t i = 0; i < LENGTH(counters); i++) {
		uint64_t value[3];
		if (counters[i].fd >= 0 &&
		    read(counters[i].fd, value, sizeof(value)) ==
			    sizeof(value) &&
		    value[2] > 0)
			fprintf(out, "figure %s %.0f\n", counters[i].name,
				(double)value[0] * (double)value[1] /
					(double)value[2]);
	}
}

/* -- resident memory over time --------------------------------------------- */

/*
 * Full, every second sample is dropped and the interval doubled, so that a long
 * run has as many as a short one.
 */
static struct {
	double seconds;
	uint64_t bytes;
} samples[128];
static size_t n_samples;

static void sample_take(int statm, double seconds)
{
	char text[128];
	uint64_t total, resident;
	ssize_t length = pread(statm, text, sizeof(text) - 1, 0);

	if (length <= 0)
		return;
	text[length] = '\0';
	if (sscanf(text, "%" SCNu64 "%" SCNu64, &total, &resident) != 2 ||
	    resident == 0)
		return;
	samples[n_samples].seconds = seconds;
	samples[n_samples++].bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE);
	if (n_samples < LENGTH(samples))
		return;
	n_samples /= 2;
	for (size_t i = 0; i < n_samples; i++)
		samples[i] = samples[2 * i];
	interval_s *= 2;
}

/* -- the program ----------------------------------------------------------- */

static int statm_open(pid_t child)
{
	char name[64];
	snprintf(name, sizeof(name), "/proc/%d/statm", (int)child);
	return open(name, O_RDONLY | O_CLOEXEC);
}

/* In a group of its own, so that a timeout ends whatever it has started. */
static pid_t start(char **arguments, const sigset_t *signals)
{
	int gate[2];
	if (pipe2(gate, O_CLOEXEC) != 0)
		die("pipe");
	pid_t child = fork();
	if (child < 0)
		die("fork");
	if (child > 0) {
		setpgid(child, child);
		close(gate[0]);
		counters_open(child);
		close(gate[1]);
		return child;
	}
	setpgid(0, 0);
	sigprocmask(SIG_UNBLOCK, signals, NULL);
	if (preload != NULL)
		setenv("LD_PRELOAD", preload, 1);
	if (witness != NULL)
		setenv("BENCH_WITNESS", witness, 1);
	/* Until the counters are there. */
	char byte;
	close(gate[1]);
	while (read(gate[0], &byte, 1) < 0 && errno == EINTR)
		;
	execvp(arguments[0], arguments);
	fprintf(stderr, "measure: %s: %s\n", arguments[0], strerror(errno));
	_exit(CANNOT_START);
}

/*
 * Waits for CHILD, and samples its memory; true if it was ended by the timeout.
 */
static bool watch(pid_t child, const sigset_t *signals, int *status,
		  struct rusage *usage)
{
	int statm = statm_open(child);
	double start_s = now_s();
	bool timed_out = false;

	while (wait4(child, status, WNOHANG, usage) == 0) {
		struct timespec wait = {(time_t)interval_s,
					(long)(interval_s * 1e9) % 1000000000};
		siginfo_t info;
		int number = sigtimedwait(signals, &info, &wait);
		/* From ourselves is from the child's group: not passed back. */
		if (number == SIGTERM || number == SIGINT)
			kill(-child, number);
		sample_take(statm, now_s() - start_s);
		if (!timed_out && now_s() - start_s > timeout_s) {
			timed_out = true;
			kill(-child, SIGKILL);
		}
	}
	close(statm);
	return timed_out;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static void write_figures(FILE *out, const struct rusage *usage, double wall_s)
{
	double user_s = seconds_of(usage->ru_utime);
	double system_s = seconds_of(usage->ru_stime);

	fprintf(out, "figure wall_s %.6f\n", wall_s);
	fprintf(out, "figure user_s %.6f\n", user_s);
	fprintf(out, "figure system_s %.6f\n", system_s);
	fprintf(out, "figure cpu_s %.6f\n", user_s + system_s);
	fprintf(out, "figure peak_rss_bytes %ld\n", usage->ru_maxrss * 1024);
	fprintf(out, "figure minor_faults %ld\n", usage->ru_minflt);
	fprintf(out, "figure major_faults %ld\n", usage->ru_majflt);
	fprintf(out, "figure voluntary_switches %ld\n", usage->ru_nvcsw);
	fprintf(out, "figure involuntary_switches %ld\n", usage->ru_nivcsw);
	counters_write(out);
	for (size_t i = 0; i < n_samples; i++)
		fprintf(out, "rss %.4f %" PRIu64 "\n", samples[i].seconds,
			samples[i].bytes);
}

static int write_end(FILE *out, int status, bool timed_out)
{
	if (timed_out) {
		fprintf(out, "end timeout %.0f\n", timeout_s);
		return TIMED_OUT;
	}
	if (WIFSIGNALED(status)) {
		fprintf(out, "end signal %d\n", WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	fprintf(out, "end exit %d\n", WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

static char **read_options(int argc, char **argv)
{
	int option;
	while ((option = getopt(argc, argv, "+p:w:i:t:o:")) != -1) {
		switch (option) {
		case 'p':
			preload = optarg;
			break;
		case 'w':
			witness = optarg;
			break;
		case 'i':
			interval_s = atof(optarg) / 1000;
			break;
		case 't':
			timeout_s = atof(optarg);
			break;
		case 'o':
			out_name = optarg;
			break;
		default:
			usage();
		}
	}
	if (out_name == NULL || optind == argc || interval_s <= 0 ||
	    timeout_s <= 0)
		usage();
	return argv + optind;
}

int main(int argc, char **argv)
{
	char **arguments = read_options(argc, argv);
	FILE *out = fopen(out_name, "we");
	if (out == NULL)
		die(out_name);

	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);

	int status;
	struct rusage usage;
	double start_s = now_s();
	pid_t child = start(arguments, &signals);
	bool timed_out = watch(child, &signals, &status, &usage);
	double wall_s = now_s() - start_s;

	fprintf(out, "pid %d\n", (int)child);
	write_figures(out, &usage, wall_s);
	status = write_end(out, status, timed_out);
	if (fclose(out) != 0)
		die(out_name);
	return status;
}
