/*
 * latency: how long each single malloc and each single free takes.
 *
 * Each thread replaces random blocks of a table that grows and shrinks in
 * waves, so that slow ways are taken too; with `handover` a block may be freed
 * by another thread. The duration of every call goes into a histogram whose
 * steps are 1/128 of their value; what reading the clock costs is subtracted.
 * Before that the heap goes once through all waves unmeasured: else the first
 * touch of its pages decides the 99.9th percentile, in short runs alone.
 *
 * An interrupt or a preemption in the midst of a call counts, for every
 * allocator alike. With more threads than processors that is what the 99.99th
 * percentile and the maximum show; the 99.9th is the allocator's.
 */
#include "common/load.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define THREADS_MAX 64
#define SLOTS_MAX (1 << 16)
#define SUB_BITS 7
#define BUCKETS (40 << SUB_BITS)

static uint64_t threads = 1, slots = 16384, operations = 4 << 20;
static uint64_t limit = 32 << 10, large_every = 0, handover = 0;

static const struct param params[] = {
	{"threads", &threads, "at a time"},
	{"slots", &slots, "blocks that each has at most"},
	{"operations", &operations, "blocks taken, by all"},
	{"limit", &limit, "largest size"},
	{"large_every", &large_every, "one of so many is of 64 KiB to 1 MiB"},
	{"handover", &handover, "1: every second block is another's to free"},
};

struct histogram {
	uint64_t n[BUCKETS];
	uint64_t total, maximum, sum_bytes;
};

struct thread {
	struct histogram of_malloc, of_free;
	struct {
		char *block;
		size_t size_bytes;
	} table[SLOTS_MAX];
	/* What others have left here to be freed. */
	pthread_mutex_t mutex;
	char *inbox[256];
	size_t n_inbox;
};

static struct thread all[THREADS_MAX];
static double ns_per_tick;
static uint64_t clock_ticks;

/* -- the clock ------------------------------------------------------------- */

static inline uint64_t ticks(void)
{
#if defined(__x86_64__)
	unsigned processor;
	_mm_lfence();
	uint64_t now = __rdtscp(&processor);
	_mm_lfence();
	return now;
#else
	return load_now_ns();
#endif
}

static int compare_counts(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void calibrate(void)
{
	static uint64_t costs[1001];
	uint64_t start_ns = load_now_ns(), start = ticks();
	while (load_now_ns() - start_ns < 50000000)
		;
	ns_per_tick =
		(double)(load_now_ns() - start_ns) / (double)(ticks() - start);
	for (size_t i = 0; i < LENGTH(costs); i++) {
		uint64_t before = ticks();
		costs[i] = ticks() - before;
	}
	qsort(costs, LENGTH(costs), sizeof(costs[0]), compare_counts);
	clock_ticks = costs[LENGTH(costs) / 2];
}

/* -- histograms ------------------------------------------------------------ */

static size_t bucket_of(uint64_t value)
{
	if (value < 1 << SUB_BITS)
		return value;
	unsigned exponent = 63 - (unsigned)__builtin_clzll(value) - SUB_BITS;
	return ((size_t)exponent << SUB_BITS) + (value >> exponent);
}

static double bucket_ticks(size_t bucket)
{
	if (bucket < 2 << SUB_BITS)
		return (double)bucket;
	size_t exponent = (bucket >> SUB_BITS) - 1;
	return (double)(bucket - (exponent << SUB_BITS)) *
	       (double)((uint64_t)1 << exponent);
}

static void note(struct histogram *histogram, uint64_t taken, size_t size_bytes)
{
	histogram->sum_bytes += size_bytes;
	taken = taken > clock_ticks ? taken - clock_ticks : 0;
	size_t bucket = bucket_of(taken);
	histogram->n[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	histogram->total++;
	if (taken > histogram->maximum)
		histogram->maximum = taken;
}

static void merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i < BUCKETS; i++)
		into->n[i] += from->n[i];
	into->total += from->total;
	into->sum_bytes += from->sum_bytes;
	if (from->maximum > into->maximum)
		into->maximum = from->maximum;
}

/* At least a nanosecond, so that ratios can be formed. */
static double quantile_ns(const struct histogram *histogram, double q)
{
	uint64_t wanted = (uint64_t)(q * (double)histogram->total), sum = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		sum += histogram->n[i];
		if (sum > wanted) {
			double ns = bucket_ticks(i) * ns_per_tick;
			return ns < 1 ? 1 : ns;
		}
	}
	return (double)histogram->maximum * ns_per_tick;
}

/* -- the work -------------------------------------------------------------- */

static void timed_free(struct thread *self, char *block, size_t size_bytes)
{
	uint64_t before = ticks();
	free(block);
	uint64_t after = ticks();
	note(&self->of_free, after - before, size_bytes);
}

/* A block's first word is its size, written by who took it. */
static void check_and_free(struct thread *self, char *block)
{
	size_t size_bytes;
	memcpy(&size_bytes, block, sizeof(size_bytes));
	if (size_bytes < sizeof(size_bytes) ||
	    block[size_bytes - 1] != (char)size_bytes)
		load_fail("a block has lost its contents");
	timed_free(self, block, size_bytes);
}

static char *timed_malloc(struct thread *self, size_t size_bytes)
{
	uint64_t before = ticks();
	char *block = malloc(size_bytes);
	uint64_t after = ticks();
	if (block == NULL)
		load_fail("malloc gave no memory");
	note(&self->of_malloc, after - before, size_bytes);
	block[size_bytes - 1] = (char)size_bytes;
	memcpy(block, &size_bytes, sizeof(size_bytes));
	return block;
}

/* Left with another thread, or freed here if that has enough. */
static void give(struct thread *self, struct thread *other, char *block)
{
	bool taken = false;
	pthread_mutex_lock(&other->mutex);
	if (other->n_inbox < LENGTH(other->inbox)) {
		other->inbox[other->n_inbox++] = block;
		taken = true;
	}
	pthread_mutex_unlock(&other->mutex);
	if (!taken)
		check_and_free(self, block);
}

static void empty_inbox(struct thread *self)
{
	char *blocks[LENGTH(self->inbox)];
	pthread_mutex_lock(&self->mutex);
	size_t n = self->n_inbox;
	memcpy(blocks, self->inbox, n * sizeof(blocks[0]));
	self->n_inbox = 0;
	pthread_mutex_unlock(&self->mutex);
	for (size_t i = 0; i < n; i++)
		check_and_free(self, blocks[i]);
}

/* Small sizes are frequent; all powers of two are equally so below LIMIT. */
static size_t draw_size(struct random *random)
{
	uint64_t r = random_next(random);
	if (large_every > 0 && (r >> 40) % large_every == 0)
		return (64 << 10) + (r & 0xffffff) % (960 << 10);
	size_t top = (size_t)16 << (r >> 59) % 12;
	size_t size_bytes = 9 + (r & 0xffffff) % top;
	return size_bytes < limit ? size_bytes : limit;
}

static void one_step(struct thread *self, unsigned i, struct random *random,
		     uint64_t step)
{
	/* Waves: the table is used to a quarter, then whole. */
	uint64_t wave = step / (slots * 4) % 4;
	uint64_t used = wave == 0 ? slots / 4 : slots;
	size_t k = random_below(random, slots);

	if (self->table[k].block != NULL) {
		if (handover && (step & 1))
			give(self, &all[(i + 1) % threads],
			     self->table[k].block);
		else
			check_and_free(self, self->table[k].block);
	}
	self->table[k].block = NULL;
	if (k < used)
		self->table[k].block = timed_malloc(self, draw_size(random));
}

/* What was measured so far; the blocks stay. */
static void forget(struct thread *self)
{
	memset(&self->of_malloc, 0, sizeof(self->of_malloc));
	memset(&self->of_free, 0, sizeof(self->of_free));
}

static void run_thread(void *unused, unsigned i)
{
	struct thread *self = &all[i];
	struct random random = {i + 1};

	(void)unused;
	uint64_t warm_up = slots * 16;
	for (uint64_t step = 0; step < warm_up + operations / threads; step++) {
		if (step == warm_up)
			forget(self);
		one_step(self, i, &random, step);
		if (handover && step % 128 == 0)
			empty_inbox(self);
	}
}

/* -- the figures ----------------------------------------------------------- */

static void print_curve(const char *series, const struct histogram *histogram)
{
	for (double beyond = 2; beyond <= 1e5; beyond *= 1.6)
		load_point(series, beyond,
			   quantile_ns(histogram, 1 - 1 / beyond));
}

static void print_percentiles(const char *of, const struct histogram *histogram)
{
	static const struct {
		const char *name;
		double q;
	} percentiles[] = {
		{"p50", 0.5},
		{"p99", 0.99},
		{"p999", 0.999},
		{"p9999", 0.9999},
	};
	char name[64];
	for (size_t i = 0; i < LENGTH(percentiles); i++) {
		snprintf(name, sizeof(name), "%s_%s_ns", of,
			 percentiles[i].name);
		load_metric(name, quantile_ns(histogram, percentiles[i].q));
	}
	snprintf(name, sizeof(name), "%s_max_ns", of);
	load_metric(name, (double)histogram->maximum * ns_per_tick);
}

static void print_results(void)
{
	static struct histogram of_malloc, of_free;

	for (size_t i = 0; i < threads; i++) {
		merge(&of_malloc, &all[i].of_malloc);
		merge(&of_free, &all[i].of_free);
	}
	print_percentiles("malloc", &of_malloc);
	print_percentiles("free", &of_free);
	/* Of each alike: in one histogram the slower would hide the other. */
	load_metric("p999_ns", sqrt(quantile_ns(&of_malloc, 0.999) *
				    quantile_ns(&of_free, 0.999)));
	load_check(of_malloc.total);
	load_check(of_malloc.sum_bytes);
	print_curve("malloc", &of_malloc);
	print_curve("free", &of_free);
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "the duration of each malloc and free", params,
		   LENGTH(params));
	if (threads == 0 || threads > THREADS_MAX || slots < 4 ||
	    slots > SLOTS_MAX)
		load_fail("a parameter is out of range");
	calibrate();
	for (size_t i = 0; i < threads; i++)
		pthread_mutex_init(&all[i].mutex, NULL);
	load_threads((unsigned)threads, run_thread, NULL);
	print_results();
	return load_end();
}
