/*
 * gives_back: what is freed goes back to the kernel within two seconds, with no
 * call of the program's or with calls that only hit its magazines: resident is
 * at most what is live and 64 MiB, or an eighth of live if that is more. After
 * malloc_trim(0) it is live, one in a hundred, and 4 MiB.
 *
 * (Of 1,001 MiB that were freed all stayed for good.) Live are the pages in
 * which a block lies that was not freed. Each variant runs in a child; some at
 * a time.
 */
#include "promise.h"

#include <malloc.h>
#include <pthread.h>

enum { N_THREADS_MAX = 300, N_AT_A_TIME = 4 };
/* Two seconds are promised; a loaded machine gets more, and what stays for good
 * is found all the same. */
enum { LOOK_US = 100000, N_LOOKS = 60, N_LIGHT = 1000 };

/* Who frees the blocks of the threads, and what these do after. A fresh thread
 * has never allocated; a destructor is that of a key, at a thread's end. */
enum freer { OWNERS, MAIN, NEXT_THREAD, FRESH_THREAD, DESTRUCTOR };
enum after { SLEEP, END, LIGHT };

struct variant {
	const char *name;
	size_t block_bytes, total_bytes;
	size_t n_threads; /* 0: main does all of it */
	enum freer freer;
	enum after after;
	size_t kept_of_10;    /* at random */
	size_t shrunk_to;     /* 0, or resized to this instead of freed */
	const char *conf;     /* of the library */
	size_t waiting_bytes; /* that may stay in two seconds */
};

#define BURST (256 * MIB)
#define BOUND (64 * MIB)
#define BY_DEFAULT "", BOUND

static const struct variant variants[] = {
	{"64 B", 64, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"512 B", 512, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"3000 B", 3000, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"40000 B", 40000, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"200000 B", 200000, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"2 MiB", 2 * MIB, BURST, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"1 GiB", GIB, GIB, 0, OWNERS, SLEEP, 0, 0, BY_DEFAULT},
	{"64 B, 8 threads sleep", 64, BURST, 8, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"512 B, 64 threads sleep", 512, BURST, 64, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"3000 B, 64 threads sleep", 3000, BURST, 64, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"40000 B, 64 threads sleep", 40000, BURST, 64, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"200000 B, 8 threads sleep", 200000, BURST, 8, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"3000 B, 300 threads sleep", 3000, BURST, 300, OWNERS, SLEEP, 0, 0,
	 BY_DEFAULT},
	{"3000 B, 8 threads ended", 3000, BURST, 8, OWNERS, END, 0, 0,
	 BY_DEFAULT},
	{"512 B, 64 threads ended, freed by main", 512, BURST, 64, MAIN, END, 0,
	 0, BY_DEFAULT},
	{"3000 B, freed by main, 8 threads sleep", 3000, BURST, 8, MAIN, SLEEP,
	 0, 0, BY_DEFAULT},
	{"64 B, freed by main, 64 threads sleep", 64, BURST, 64, MAIN, SLEEP, 0,
	 0, BY_DEFAULT},
	{"200000 B, freed by main, 8 threads sleep", 200000, BURST, 8, MAIN,
	 SLEEP, 0, 0, BY_DEFAULT},
	{"3000 B, freed by the next of 8 threads", 3000, BURST, 8, NEXT_THREAD,
	 SLEEP, 0, 0, BY_DEFAULT},
	{"512 B, freed by a fresh thread", 512, BURST, 0, FRESH_THREAD, SLEEP,
	 0, 0, BY_DEFAULT},
	{"40000 B, freed by a fresh thread", 40000, BURST, 0, FRESH_THREAD, END,
	 0, 0, BY_DEFAULT},
	{"200000 B, freed by a fresh thread", 200000, BURST, 0, FRESH_THREAD,
	 SLEEP, 0, 0, BY_DEFAULT},
	{"3000 B, freed by a destructor", 3000, BURST, 8, DESTRUCTOR, END, 0, 0,
	 BY_DEFAULT},
	{"200000 B, freed by a destructor", 200000, BURST, 8, DESTRUCTOR, END,
	 0, 0, BY_DEFAULT},
	{"64 B, light work", 64, BURST, 0, OWNERS, LIGHT, 0, 0, BY_DEFAULT},
	{"3000 B, 8 threads, light work", 3000, BURST, 8, OWNERS, LIGHT, 0, 0,
	 BY_DEFAULT},
	{"1 GiB, light work", GIB, GIB, 0, OWNERS, LIGHT, 0, 0, BY_DEFAULT},
	{"3000 B, 9 of 10 freed", 3000, BURST, 0, OWNERS, SLEEP, 1, 0,
	 BY_DEFAULT},
	{"512 B, 9 of 10 freed, 8 threads", 512, BURST, 8, OWNERS, SLEEP, 1, 0,
	 BY_DEFAULT},
	{"40000 B, 9 of 10 freed", 40000, BURST, 0, OWNERS, SLEEP, 1, 0,
	 BY_DEFAULT},
	{"200000 B, 9 of 10 freed by main", 200000, BURST, 8, MAIN, SLEEP, 1, 0,
	 BY_DEFAULT},
	{"3000 B resized to 100 B", 3000, BURST, 0, OWNERS, SLEEP, 0, 100,
	 BY_DEFAULT},
	{"200000 B resized to 3000 B", 200000, BURST, 8, OWNERS, SLEEP, 0, 3000,
	 BY_DEFAULT},
	{"2 MiB resized to 40000 B", 2 * MIB, BURST, 0, OWNERS, SLEEP, 0, 40000,
	 BY_DEFAULT},
	{"3000 B, cache:8m", 3000, BURST, 0, OWNERS, SLEEP, 0, 0, "cache:8m",
	 24 * MIB},
	{"200000 B, cache:8m, 8 threads", 200000, BURST, 8, OWNERS, SLEEP, 0, 0,
	 "cache:8m", 16 * MIB},
	{"3000 B, decay:0", 3000, BURST, 0, OWNERS, SLEEP, 0, 0, "decay:0",
	 16 * MIB},
	{"200000 B, decay:0", 200000, BURST, 0, OWNERS, SLEEP, 0, 0, "decay:0",
	 8 * MIB},
	{"512 B, magazine:64k, 64 threads", 512, BURST, 64, OWNERS, SLEEP, 0, 0,
	 "magazine:64k", BOUND},
	{"512 B, check:true", 512, BURST, 8, OWNERS, SLEEP, 0, 0, "check:true",
	 BOUND},
};
enum { N_VARIANTS = sizeof(variants) / sizeof(*variants) };

static const struct variant *variant;
static size_t n_parts, n_each; /* blocks of each thread, or of main */
static void **blocks;
static pthread_barrier_t step;
static pthread_key_t key;
static size_t base_bytes, live_bytes;

static void fill_part(size_t part)
{
	void **mine = blocks + part * n_each;
	for (size_t i = 0; i < n_each; i++) {
		mine[i] = malloc(variant->block_bytes);
		if (EXPECT(mine[i] != NULL))
			promise_touch(mine[i], variant->block_bytes);
	}
}

/* Frees, or resizes, what is not kept, in random order if some is. */
static void free_part(size_t part)
{
	uint64_t random = part + 1;
	void **mine = blocks + part * n_each;
	size_t n_kept = n_each * variant->kept_of_10 / 10;
	if (n_kept > 0)
		promise_shuffle(mine, n_each, &random);
	for (size_t i = n_kept; i < n_each; i++) {
		if (variant->shrunk_to != 0) {
			mine[i] = realloc(mine[i], variant->shrunk_to);
			continue;
		}
		free(mine[i]);
		mine[i] = NULL;
	}
}

static void destroy(void *value)
{
	free_part((size_t)((void **)value - blocks) / n_each);
}

static void *run_fresh(void *argument)
{
	free_part(0);
	pthread_barrier_wait(&step);
	while (variant->after != END)
		pause();
	return argument;
}

static void free_by_fresh(void)
{
	pthread_t thread;
	pthread_barrier_init(&step, NULL, 2);
	EXPECT(pthread_create(&thread, NULL, run_fresh, NULL) == 0);
	pthread_barrier_wait(&step);
	if (variant->after == END)
		pthread_join(thread, NULL);
}

static void *run_thread(void *argument)
{
	size_t part = (size_t)(uintptr_t)argument;
	free(malloc(variant->block_bytes));
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	fill_part(part);
	pthread_barrier_wait(&step);
	if (variant->freer == OWNERS)
		free_part(part);
	if (variant->freer == DESTRUCTOR)
		pthread_setspecific(key, blocks + part * n_each);
	if (variant->freer == NEXT_THREAD)
		free_part((part + 1) % n_parts);
	pthread_barrier_wait(&step);
	while (variant->after != END)
		pause();
	return NULL;
}

static void run_threads(void)
{
	static pthread_t threads[N_THREADS_MAX];
	pthread_barrier_init(&step, NULL, (unsigned)n_parts + 1);
	EXPECT(pthread_key_create(&key, destroy) == 0);
	for (size_t i = 0; i < n_parts; i++)
		EXPECT(pthread_create(&threads[i], NULL, run_thread,
				      (void *)(uintptr_t)i) == 0);
	pthread_barrier_wait(&step);
	base_bytes = process_resident_bytes();
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	pthread_barrier_wait(&step);
	for (size_t i = 0; variant->after == END && i < n_parts; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; variant->freer == MAIN && i < n_parts; i++)
		free_part(i);
}

static void run_alone(void)
{
	free(malloc(variant->block_bytes));
	base_bytes = process_resident_bytes();
	fill_part(0);
	if (variant->freer == FRESH_THREAD)
		free_by_fresh();
	else
		free_part(0);
}

static int compare_pages(const void *a, const void *b)
{
	uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;
	return left < right ? -1 : left > right;
}

/* The pages that blocks lie in, each once. They are sorted in a child: qsort
 * may allocate. */
static size_t count_live(void)
{
	size_t bytes = variant->shrunk_to != 0 ? variant->shrunk_to
					       : variant->block_bytes;
	size_t n = 0, n_blocks = n_parts * n_each, n_pages = 0;
	size_t *shared = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	if (pid > 0) {
		EXPECT(process_succeeds(pid));
		return *shared * PAGE_BYTES;
	}
	for (size_t i = 0; i < n_blocks; i++)
		n += blocks[i] != NULL;
	uintptr_t *pages =
		promise_table((n + 1) * (bytes / PAGE_BYTES + 2) * 8);
	for (size_t i = 0; i < n_blocks; i++) {
		uintptr_t at = (uintptr_t)blocks[i];
		if (at == 0)
			continue;
		for (uintptr_t page = at / PAGE_BYTES;
		     page <= (at + bytes - 1) / PAGE_BYTES; page++)
			pages[n_pages++] = page;
	}
	qsort(pages, n_pages, sizeof(*pages), compare_pages);
	for (size_t i = 0; i < n_pages; i++)
		*shared += i == 0 || pages[i] != pages[i - 1];
	_exit(0);
}

static void work_lightly(void)
{
	for (int i = 0; i < N_LIGHT; i++) {
		void *one = malloc(50 + (size_t)i % 100), *other = malloc(64);
		free(one);
		free(other);
	}
}

/* Resident beyond what was there before. */
static size_t grown_bytes(void)
{
	size_t bytes = process_resident_bytes();
	return bytes > base_bytes ? bytes - base_bytes : 0;
}

static void expect_at_most(size_t limit, const char *when)
{
	size_t grown = grown_bytes();
	if (!(grown <= limit))
		promise_broken("%s, %s: %zu MiB, of which %zu are live; %zu is "
			       "right\n",
			       variant->name, when, promise_mib(grown),
			       promise_mib(live_bytes), promise_mib(limit));
}

static void run_variant(void)
{
	n_parts = variant->n_threads == 0 ? 1 : variant->n_threads;
	n_each = variant->total_bytes / variant->block_bytes / n_parts;
	blocks = promise_table(n_parts * n_each * sizeof(*blocks));
	promise_touch(blocks, n_parts * n_each * sizeof(*blocks));
	if (variant->n_threads == 0)
		run_alone();
	else
		run_threads();
	live_bytes = count_live();
	size_t bound = variant->waiting_bytes;
	if (bound < live_bytes / 8)
		bound = live_bytes / 8;
	for (int i = 0; i < N_LOOKS; i++) {
		if (grown_bytes() <= live_bytes + bound)
			break;
		usleep(LOOK_US);
		if (variant->after == LIGHT)
			work_lightly();
	}
	expect_at_most(live_bytes + bound, "2 s after the free");
	malloc_trim(0);
	expect_at_most(live_bytes + live_bytes / 100 + 4 * MIB,
		       "after malloc_trim");
}

/* Each variant is a program of its own, started with its options. */
static pid_t start(char **argv, size_t index)
{
	char text[8];
	snprintf(text, sizeof(text), "%zu", index);
	char *arguments[] = {argv[0], text, NULL};
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	setenv("TARN_CONF", variants[index].conf, 1);
	execv("/proc/self/exe", arguments);
	_exit(1);
}

int main(int argc, char **argv)
{
	expect_tarn();
	if (argc == 2) {
		size_t index = strtoul(argv[1], NULL, 10);
		variant = &variants[index];
		run_variant();
		/* Threads that sleep are left to sleep. */
		promise_end();
	}
	for (size_t i = 0; i < N_VARIANTS; i += N_AT_A_TIME) {
		pid_t pids[N_AT_A_TIME];
		size_t n = 0;
		for (; n < N_AT_A_TIME && i + n < N_VARIANTS; n++)
			pids[n] = start(argv, i + n);
		for (size_t k = 0; k < n; k++)
			if (!process_succeeds(pids[k]))
				promise_broken("%s: broken\n",
					       variants[i + k].name);
	}
	return expect_status();
}
