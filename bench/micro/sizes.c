/*
 * sizes: what a block costs, by its size: allocated, touched, freed.
 *
 * Blocks of one size are taken in bursts and freed in one of four orders. Each
 * size has a process of its own, so that none profits from what another left.
 * Every page is touched once, as a program would: an allocator that gives a
 * freed block's pages back at once pays for them with each burst. A point for
 * each size is printed; the row's figure is their geometric mean.
 */
#include "common/load.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

enum order { PAIRS, LIFO, FIFO, RANDOM };
static const char *const order_names[] = {"pairs", "lifo", "fifo", "random"};

#define BURST_MAX 4096
#define TIMES_MAX 15

static uint64_t order = LIFO, from = 8, to = 1024, steps = 4;
static uint64_t burst = 2000, live_bytes = 32 << 20, times = 5, time_ms = 5;

static const struct param params[] = {
	{"order", &order, "0 each at once, 1 LIFO, 2 FIFO, 3 random"},
	{"from", &from, "smallest size"},
	{"to", &to, "sizes are below this"},
	{"steps", &steps, "sizes for each doubling"},
	{"burst", &burst, "blocks taken before the first is freed"},
	{"live", &live_bytes, "bytes of a burst at most, but 4 blocks"},
	{"times", &times, "that a size is measured"},
	{"ms", &time_ms, "that each of these times lasts, but one burst"},
};

static char *blocks[BURST_MAX];
static uint16_t positions[BURST_MAX];

static size_t size_bytes;
static unsigned n_blocks;
static uint64_t n_bursts = 1;

static void touch_and_keep(unsigned i)
{
	blocks[i] = block_take(size_bytes);
	block_touch(blocks[i], size_bytes);
}

static void pairs(void)
{
	for (unsigned i = 0; i < n_blocks; i++) {
		touch_and_keep(0);
		block_give(blocks[0], size_bytes);
	}
}

static void one_burst(void)
{
	if (order == PAIRS) {
		pairs();
		return;
	}
	for (unsigned i = 0; i < n_blocks; i++)
		touch_and_keep(i);
	for (unsigned i = 0; i < n_blocks; i++)
		block_give(blocks[positions[i]], size_bytes);
}

/* In which order the blocks are freed. */
static void set_positions(void)
{
	struct random random = {7};
	for (unsigned i = 0; i < n_blocks; i++)
		positions[i] = (uint16_t)(order == LIFO ? n_blocks - 1 - i : i);
	for (unsigned i = n_blocks - 1; order == RANDOM && i > 0; i--) {
		size_t k = random_below(&random, i + 1);
		uint16_t other = positions[k];
		positions[k] = positions[i];
		positions[i] = other;
	}
}

/* Of processor time, which does not pass while another process runs. */
static double ns_of_bursts(void)
{
	uint64_t start = load_cpu_ns();
	for (uint64_t i = 0; i < n_bursts; i++)
		one_burst();
	return (double)(load_cpu_ns() - start);
}

/* The median, in nanoseconds for a block; what comes first warms up. */
static double measure(void)
{
	double results[TIMES_MAX], ns, target_ns = (double)time_ms * 1e6;

	set_positions();
	one_burst();
	while ((ns = ns_of_bursts()) < target_ns / 4)
		n_bursts *= 2;
	n_bursts = (uint64_t)((double)n_bursts * target_ns / (ns + 1)) + 1;
	for (unsigned i = 0; i < times; i++)
		results[i] = ns_of_bursts() / (double)n_bursts / n_blocks;
	return load_median(results, times);
}

static double measure_in_child(void)
{
	int fds[2], status;
	double result;

	if (pipe(fds) != 0)
		load_fail("no pipe");
	pid_t child = fork();
	if (child < 0)
		load_fail("cannot fork");
	if (child == 0) {
		result = measure();
		_exit(write(fds[1], &result, sizeof(result)) != sizeof(result));
	}
	close(fds[1]);
	ssize_t length = read(fds[0], &result, sizeof(result));
	close(fds[0]);
	if (waitpid(child, &status, 0) != child || status != 0 ||
	    length != sizeof(result))
		load_fail("the process of a size has failed");
	return result;
}

static double measure_size(void)
{
	uint64_t room = live_bytes / size_bytes;

	n_blocks = (unsigned)(room < burst ? room : burst);
	if (n_blocks < 4)
		n_blocks = 4;
	double ns = measure_in_child();
	load_point(order_names[order], (double)size_bytes, ns);
	load_check(size_bytes * n_blocks);
	return ns;
}

int main(int argc, char **argv)
{
	double logarithms = 0;
	unsigned n = 0;

	load_start(argc, argv, "allocates, touches and frees, by size", params,
		   LENGTH(params));
	if (order > RANDOM || from == 0 || to <= from || steps == 0 ||
	    burst == 0 || burst > BURST_MAX || times == 0 || times > TIMES_MAX)
		load_fail("a parameter is out of range");
	for (;; n++) {
		double size = (double)from * pow(2, n / (double)steps);
		size_bytes = (size_t)(size + 0.5);
		if (size_bytes >= to)
			break;
		logarithms += log(measure_size());
	}
	load_metric("ns_per_op", exp(logarithms / n));
	return load_end();
}
