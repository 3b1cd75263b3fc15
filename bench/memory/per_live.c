/*
 * per_live: bytes of memory for each byte that was asked for, by size.
 *
 * For each size a process of its own fills 32 MiB with such blocks, all
 * written. Sizes lie on powers of two and between them, where rounding shows.
 */
#include "memory/memory.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t from = 8, to = 1 << 20, steps = 3, live_bytes = 32 << 20;

static const struct param params[] = {
	{"from", &from, "smallest size"},
	{"to", &to, "largest size"},
	{"steps", &steps, "sizes for each doubling"},
	{"live", &live_bytes, "bytes asked for in each size"},
};

static double ratio_of(size_t size_bytes)
{
	size_t n = live_bytes / size_bytes;
	uint64_t before = load_anonymous_bytes();
	for (size_t i = 0; i < n; i++)
		memory_take(size_bytes);
	return (double)(load_anonymous_bytes() - before) /
	       ((double)n * (double)size_bytes);
}

/* RESULT is shared with the child. */
static void measure_in_child(size_t size_bytes, double *result)
{
	int status;
	pid_t child = fork();
	if (child < 0)
		load_fail("cannot fork");
	if (child == 0) {
		*result = ratio_of(size_bytes);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		load_fail("the process of a size has failed");
}

int main(int argc, char **argv)
{
	double sum = 0;
	unsigned n = 0;

	load_start(argc, argv, "memory for each live byte, by size", params,
		   LENGTH(params));
	if (from == 0 || steps == 0)
		load_fail("a parameter is out of range");
	double *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (result == MAP_FAILED)
		load_fail("no memory");
	double step = pow(2, 1 / (double)steps);
	for (double size = (double)from; size < (double)to * 1.001;
	     size *= step) {
		size_t size_bytes = (size_t)(size + 0.5);
		measure_in_child(size_bytes, result);
		load_point("rss_per_live", (double)size_bytes, *result);
		load_check(size_bytes);
		sum += log(*result);
		n++;
	}
	load_metric("rss_ratio", exp(sum / n));
	return load_end();
}
