/*
 * young: what a young trace costs, and a full one of the same heap; what the
 * kernel takes to watch a GiB, and the program to write to it then.
 *
 * usage: young MIB [mixed]
 *
 * Blocks are of 64 bytes, or of 16 to 2,000 by doubling; each points to two
 * others at random. Then one word is written in a share of the pages, and new
 * blocks are allocated there: one for each page written. Needs libtarn.so.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tarn.h"

#define BLOCK_BYTES 64
#define PAGE_BYTES 4096
#define ROUNDS 5

struct block {
	struct block *next, *other, *young;
};

int tarn_collect(enum tarn_generation generation, tarn_finding_visitor *visit,
		 void *context, struct tarn_trace_summary *summary, size_t size)
	__attribute__((weak));

struct block *first; /* holds all others */
static size_t n_all;
static uint64_t state = 88172645463325252u;

static uint64_t random_next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static size_t size_of_block(int is_mixed)
{
	size_t most = (size_t)16 << random_next() % 8;
	return is_mixed ? 16 + sizeof(struct block) + random_next() % most
			: BLOCK_BYTES;
}

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		exit(1);
	return at;
}

static void build(size_t bytes, int is_mixed)
{
	size_t used = 0, room = bytes / 32 * sizeof(struct block *);
	struct block **all = map(room);
	while (used < bytes) {
		size_t size = size_of_block(is_mixed);
		all[n_all] = calloc(1, size);
		if (all[n_all++] == NULL)
			exit(1);
		used += size;
	}
	for (size_t i = 0; i < n_all; i++) {
		all[i]->next = i + 1 < n_all ? all[i + 1] : NULL;
		all[i]->other = all[random_next() % n_all];
	}
	first = all[0];
	munmap(all, room);
}

/* Writes to one page in so many: a new block, held by an old one. */
static void write_some(size_t one_in)
{
	size_t n = (size_t)1 << 24;
	char *is_done = map(n); /* by number of the page, as far as it goes */
	for (struct block *at = first; at != NULL; at = at->next) {
		size_t page = (uintptr_t)at / PAGE_BYTES;
		if ((page * UINT64_C(0x9e3779b97f4a7c15) >> 40) % one_in != 0 ||
		    is_done[page % n])
			continue;
		is_done[page % n] = 1;
		at->young = calloc(1, BLOCK_BYTES);
	}
	munmap(is_done, n);
}

static struct tarn_trace_summary collect(enum tarn_generation generation)
{
	struct tarn_trace_summary summary;
	if (tarn_collect(generation, NULL, NULL, &summary, sizeof(summary)))
		exit(1);
	if (summary.lost_blocks > 8)
		fprintf(stderr, "young: %llu blocks lost\n",
			(unsigned long long)summary.lost_blocks);
	return summary;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void measure(const char *what, enum tarn_generation generation,
		    size_t one_in)
{
	double ms[ROUNDS];
	struct tarn_trace_summary summary = {0};
	for (int i = 0; i < ROUNDS; i++) {
		if (one_in != 0)
			write_some(one_in);
		summary = collect(generation);
		ms[i] = (double)summary.stopped_ns * 1e-6;
	}
	qsort(ms, ROUNDS, sizeof(*ms), by_size);
	printf("| %s | %.1f | %.1f | %llu |\n", what, ms[ROUNDS / 2],
	       (double)summary.scanned_bytes / (1 << 20),
	       (unsigned long long)summary.written_pages);
	fflush(stdout);
}

/* --- the kernel alone ----------------------------------------------------- */

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t inverted, mask, any_of, returned;
};

static void touch(char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		at[i]++;
}

static void measure_kernel(size_t bytes)
{
	char *at = map(bytes);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	struct uffdio_api api = {.api = UFFD_API,
				 .features = 1 | 1 << 13 | 1 << 15};
	struct uffdio_register wish = {.range = {(uintptr_t)at, bytes},
				       .mode = UFFDIO_REGISTER_MODE_WP};
	struct scan scan = {.size = sizeof(scan),
			    .flags = 3,
			    .start = (uintptr_t)at,
			    .end = (uintptr_t)at + bytes,
			    .mask = 2};
	touch(at, bytes);
	double t = now();
	touch(at, bytes);
	double plain = now() - t;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &wish) != 0) {
		puts("the kernel does not tell what was written");
		return;
	}
	t = now();
	ioctl(pagemap, _IOWR('f', 16, struct scan), &scan);
	double armed = now() - t;
	t = now();
	touch(at, bytes);
	double faults = now() - t;
	double gib = (double)bytes / (1 << 30);
	double pages = (double)bytes / PAGE_BYTES;
	printf("\nto watch a GiB: %.1f ms; the first write to a page: %.0f ns, "
	       "not watched %.0f ns\n",
	       armed / gib, faults / pages * 1e6, plain / pages * 1e6);
	munmap(at, bytes);
}

int main(int argc, char **argv)
{
	size_t mib = argc < 2 ? 0 : strtoull(argv[1], NULL, 0);
	if (mib == 0 || tarn_collect == NULL) {
		fputs("usage: LD_PRELOAD=libtarn.so young MIB [mixed]\n",
		      stderr);
		return 2;
	}
	build(mib << 20, argc > 2);
	printf("%zu MiB, %zu blocks\n\n", mib, n_all);
	puts("| trace | stopped, ms | MiB looked at | pages written |\n"
	     "| --- | ---: | ---: | ---: |");
	measure("full", TARN_OLD, 0);
	measure("young, nothing written", TARN_YOUNG, 0);
	measure("young, 1 % written", TARN_YOUNG, 100);
	measure("young, 10 % written", TARN_YOUNG, 10);
	measure("young, all written", TARN_YOUNG, 1);
	measure_kernel((size_t)1 << 30);
	return 0;
}
