/* load: see load.h. */
#define _GNU_SOURCE
#include "common/load.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_TIMES 64
#define MAX_THREADS 1024

static uint64_t check = 0xcbf29ce484222325u;

_Noreturn void load_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(3);
}

/* -- parameters ------------------------------------------------------------ */

static _Noreturn void usage(int status, const char *purpose,
			    const struct param *params, size_t n_params)
{
	FILE *out = status == 0 ? stdout : stderr;
	fprintf(out, "usage: %s [name=value ...]\n%s\n",
		program_invocation_short_name, purpose);
	for (size_t i = 0; i < n_params; i++)
		fprintf(out, "  %-12s %s (%" PRIu64 ")\n", params[i].name,
			params[i].help, *params[i].value);
	exit(status);
}

static bool parse_value(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*value = strtoull(text, &end, 10);
	const char *suffix = *end == '\0' ? NULL : strchr(suffixes, *end);
	if (suffix != NULL) {
		*value <<= 10 * (suffix - suffixes + 1);
		end++;
	}
	return *end == '\0';
}

static bool take_argument(const char *argument, const struct param *params,
			  size_t n_params)
{
	const char *equals = strchr(argument, '=');
	if (equals == NULL)
		return false;
	size_t length = (size_t)(equals - argument);
	for (size_t i = 0; i < n_params; i++) {
		if (strlen(params[i].name) == length &&
		    memcmp(params[i].name, argument, length) == 0)
			return parse_value(equals + 1, params[i].value);
	}
	return false;
}

void load_start(int argc, char **argv, const char *purpose,
		const struct param *params, size_t n_params)
{
	static char buffer[1 << 16];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			usage(0, purpose, params, n_params);
		if (!take_argument(argv[i], params, n_params)) {
			fprintf(stderr, "%s: what is \"%s\"?\n",
				program_invocation_short_name, argv[i]);
			usage(2, purpose, params, n_params);
		}
	}
}

int load_end(void)
{
	printf("check %016" PRIx64 "\n", check);
	return fflush(stdout) == 0 ? 0 : 3;
}

/* -- figures --------------------------------------------------------------- */

void load_metric(const char *name, double value)
{
	printf("metric %s %.6g\n", name, value);
}

void load_point(const char *series, double x, double y)
{
	printf("point %s %.10g %.6g\n", series, x, y);
}

void load_check(uint64_t result)
{
	check = (check ^ result) * 0x100000001b3u;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Few values, and qsort may allocate: sorted by insertion below a limit. */
double load_median(double *values, size_t n_values)
{
	if (n_values > MAX_TIMES)
		qsort(values, n_values, sizeof(*values), compare_doubles);
	for (size_t i = 1; n_values <= MAX_TIMES && i < n_values; i++) {
		double value = values[i];
		size_t k = i;
		for (; k > 0 && values[k - 1] > value; k--)
			values[k] = values[k - 1];
		values[k] = value;
	}
	return (values[(n_values - 1) / 2] + values[n_values / 2]) / 2;
}

static void repeat(const char *name, unsigned n_times, void (*prepare)(void),
		   uint64_t (*work)(void), uint64_t (*now_ns)(void))
{
	double times[MAX_TIMES];

	if (n_times == 0 || n_times > MAX_TIMES)
		load_fail("1 to 64 times can be measured");
	for (unsigned i = 0; i <= n_times; i++) {
		if (prepare != NULL)
			prepare();
		uint64_t start = now_ns();
		uint64_t n_operations = work();
		uint64_t taken = now_ns() - start;
		if (i > 0)
			times[i - 1] = (double)taken / (double)n_operations;
	}
	load_metric(name, load_median(times, n_times));
}

void load_repeat(const char *name, unsigned n_times, void (*prepare)(void),
		 uint64_t (*work)(void))
{
	repeat(name, n_times, prepare, work, load_now_ns);
}

void load_repeat_alone(const char *name, unsigned n_times,
		       void (*prepare)(void), uint64_t (*work)(void))
{
	repeat(name, n_times, prepare, work, load_cpu_ns);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t load_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t load_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/*
 * The figures of /proc/self/statm: all, resident, file-backed and shared pages.
 */
static void read_statm(uint64_t pages[3])
{
	char text[256];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		load_fail("cannot read /proc/self/statm");
	text[length] = '\0';
	if (sscanf(text, "%" SCNu64 "%" SCNu64 "%" SCNu64, &pages[0], &pages[1],
		   &pages[2]) != 3)
		load_fail("cannot read /proc/self/statm");
}

uint64_t load_resident_bytes(void)
{
	uint64_t pages[3];
	read_statm(pages);
	return pages[1] * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t load_anonymous_bytes(void)
{
	uint64_t pages[3];
	read_statm(pages);
	return (pages[1] - pages[2]) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* -- threads --------------------------------------------------------------- */

struct crew {
	pthread_barrier_t barrier;
	void (*work)(void *argument, unsigned i);
	void *argument;
};

struct member {
	struct crew *crew;
	unsigned i;
};

static void *member_main(void *argument)
{
	struct member *member = argument;
	pthread_barrier_wait(&member->crew->barrier);
	member->crew->work(member->crew->argument, member->i);
	return NULL;
}

uint64_t load_threads(unsigned n_threads,
		      void (*work)(void *argument, unsigned i), void *argument)
{
	static pthread_t threads[MAX_THREADS];
	static struct member members[MAX_THREADS];
	struct crew crew = {.work = work, .argument = argument};

	if (n_threads == 0 || n_threads > MAX_THREADS)
		load_fail("1 to 1024 threads can be started");
	pthread_barrier_init(&crew.barrier, NULL, n_threads + 1);
	for (unsigned i = 0; i < n_threads; i++) {
		members[i] = (struct member){&crew, i};
		if (pthread_create(&threads[i], NULL, member_main, &members[i]))
			load_fail("cannot start a thread");
	}
	uint64_t start = load_now_ns();
	pthread_barrier_wait(&crew.barrier);
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	uint64_t taken = load_now_ns() - start;
	pthread_barrier_destroy(&crew.barrier);
	return taken;
}
