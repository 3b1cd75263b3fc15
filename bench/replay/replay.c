/*
 * replay: does what a recorded program asked of malloc, on any malloc.
 *
 * 	replay FILE [name=value ...]
 *
 * With the same threads, each in its own order; and all operations on one block
 * in the recorded order, whichever threads do them: each waits for its turn.
 * That ends always: of all operations not yet done, the one that was recorded
 * first has nothing to wait for, neither in its thread nor at its block.
 *
 * As a program would, it writes to each block's ends and pages, and it verifies
 * them when the block is freed or resized.
 */
#define _GNU_SOURCE
#include "common/load.h"
#include "replay/read.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPINS 200

static uint64_t times = 5, laps = 1, limit = UINT64_MAX;

static const struct param params[] = {
	{"times", &times, "that the replay is timed"},
	{"laps", &laps, "of the recording in each time"},
	{"limit", &limit, "operations at most"},
};

/* `turn` passes a block on: released by who used it, acquired by the next. */
struct block {
	char *address;
	uint32_t size_bytes;
	uint32_t turn; /* atomic */
};

static struct recording recording;
static struct block *blocks;
static pthread_t threads[REC_THREADS_MAX];
static bool is_shared; /* there is more than one thread */

static void *run_thread(void *part);

/* -- blocks ---------------------------------------------------------------- */

/* Of each block its own, so that a block given out twice is noticed. */
static char mark_of(const struct block *block)
{
	return (char)((size_t)(block - blocks) * 31 + block->size_bytes);
}

static void write_ends(struct block *block, uint32_t size_bytes)
{
	block->size_bytes = size_bytes;
	if (size_bytes == 0)
		return;
	block->address[0] = mark_of(block);
	block->address[size_bytes - 1] = mark_of(block);
}

static void check_ends(const struct block *block)
{
	uint32_t size_bytes = block->size_bytes;
	if (size_bytes > 0 &&
	    (block->address[0] != mark_of(block) ||
	     block->address[size_bytes - 1] != mark_of(block)))
		load_fail("a block has lost its contents");
}

static void use_new(struct block *block, char *address, uint32_t size_bytes)
{
	if (address == NULL)
		load_fail("there is no memory");
	block->address = address;
	block_touch(address, size_bytes);
	write_ends(block, size_bytes);
}

static void resize(struct block *block, uint32_t size_bytes)
{
	char *address = realloc(block->address, size_bytes);
	if (address == NULL && size_bytes > 0)
		load_fail("there is no memory");
	block->address = address;
	if (size_bytes >= block->size_bytes)
		check_ends(block);
	else if (size_bytes > 0 && address[0] != mark_of(block))
		load_fail("realloc has lost a block's contents");
	if (size_bytes > block->size_bytes)
		block_touch(address + block->size_bytes,
			    size_bytes - block->size_bytes);
	write_ends(block, size_bytes);
}

static void release(struct block *block)
{
	check_ends(block);
	free(block->address);
	block->address = NULL;
}

static void zeroed(struct block *block, uint32_t size_bytes)
{
	char *address = calloc(1, size_bytes);
	if (address != NULL && size_bytes > 0 && address[size_bytes - 1] != 0)
		load_fail("calloc gave memory that is not zero");
	if (address == NULL)
		load_fail("there is no memory");
	block->address = address;
	write_ends(block, size_bytes);
}

static void use_aligned(struct block *block, size_t align, uint32_t size_bytes)
{
	char *address = memalign(align, size_bytes);
	if ((uintptr_t)address % align != 0)
		load_fail("a block is not aligned as it was asked for");
	use_new(block, address, size_bytes);
}

static void do_operation(const struct operation *operation, struct block *block)
{
	uint32_t n = operation->size_bytes;
	switch ((enum rec_kind)operation->kind) {
	case REC_MALLOC:
		use_new(block, malloc(n), n);
		break;
	case REC_CALLOC:
		zeroed(block, n);
		break;
	case REC_REALLOC:
		resize(block, n);
		break;
	case REC_FREE:
		release(block);
		break;
	case REC_ALIGNED:
		use_aligned(block, (size_t)1 << operation->log2_align, n);
		break;
	case REC_KINDS:
	default:
		load_fail("an operation of no known kind");
	}
}

/* -- threads --------------------------------------------------------------- */

static void wait_for_turn(struct block *block, uint32_t turn)
{
	unsigned spins = 0;
	while (__atomic_load_n(&block->turn, __ATOMIC_ACQUIRE) != turn)
		if (++spins > SPINS)
			sched_yield();
}

static void start_thread(unsigned number)
{
	if (pthread_create(&threads[number], NULL, run_thread,
			   &recording.threads[number]) != 0)
		load_fail("cannot start a thread");
}

static void run_shared(const struct thread_part *part)
{
	for (uint64_t i = 0; i < part->n; i++) {
		const struct operation *operation = &part->operations[i];
		struct block *block = &blocks[operation->block];
		wait_for_turn(block, operation->turn);
		do_operation(operation, block);
		__atomic_store_n(&block->turn, operation->turn + 1,
				 __ATOMIC_RELEASE);
		if (operation->starts > 0)
			start_thread(operation->starts - 1u);
	}
}

static void run_alone(const struct thread_part *part)
{
	for (uint64_t i = 0; i < part->n; i++)
		do_operation(&part->operations[i],
			     &blocks[part->operations[i].block]);
}

static void *run_thread(void *part)
{
	run_shared(part);
	return NULL;
}

static void one_lap(void)
{
	if (is_shared)
		run_shared(&recording.threads[0]);
	else
		run_alone(&recording.threads[0]);
	for (uint32_t t = 1; t < recording.header.n_threads; t++)
		if (recording.threads[t].n > 0)
			pthread_join(threads[t], NULL);
}

/* What the program had not freed at its end. */
static void clean_up(void)
{
	for (uint64_t b = 0; b < recording.header.n_blocks; b++) {
		if (blocks[b].address != NULL) {
			if (blocks[b].size_bytes != recording.last_size[b])
				load_fail("a block has another size");
			release(&blocks[b]);
		}
		blocks[b].turn = 0;
	}
}

static uint64_t replay(void)
{
	for (uint64_t lap = 0; lap < laps; lap++) {
		one_lap();
		clean_up();
	}
	return laps * recording.header.n_operations;
}

/* -- memory ---------------------------------------------------------------- */

/* The kernel's count of the peak begins anew; what is resident now. */
static uint64_t forget_peak(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "5", 1) != 1)
		load_fail("cannot reset the peak of memory");
	close(fd);
	return load_resident_bytes();
}

static uint64_t peak_bytes(void)
{
	char text[4096];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	const char *peak = strstr(text, "VmHWM:");
	if (peak == NULL)
		load_fail("cannot read the peak of memory");
	return strtoull(peak + strlen("VmHWM:"), NULL, 10) << 10;
}

/* -- the command ----------------------------------------------------------- */

/* NAME itself, or below the suite's own recordings. */
static const char *find_file(const char *name)
{
	static char path[4096];
	const char *suite = getenv("BENCH_SRCDIR");
	if (access(name, R_OK) == 0 || suite == NULL)
		return name;
	snprintf(path, sizeof(path), "%s/replay/%s", suite, name);
	return path;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-') {
		fputs("usage: replay FILE [times=N] [limit=N]\n", stderr);
		return 2;
	}
	const char *file = find_file(argv[1]);
	argv[1] = argv[0];
	load_start(argc - 1, argv + 1, "replays a recording", params,
		   LENGTH(params));
	read_recording(file, limit, &recording);
	is_shared = recording.header.n_threads > 1;
	blocks = mmap(NULL, recording.header.n_blocks * sizeof(*blocks),
		      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (blocks == MAP_FAILED)
		load_fail("there is no memory for the table");
	uint64_t before = forget_peak();
	if (is_shared)
		load_repeat("ns_per_op", (unsigned)times, NULL, replay);
	else
		load_repeat_alone("ns_per_op", (unsigned)times, NULL, replay);
	load_metric("rss_peak_bytes", (double)(peak_bytes() - before));
	load_check(recording.header.n_operations);
	return load_end();
}
