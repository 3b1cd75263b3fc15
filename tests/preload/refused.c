/*
 * refused: the kernel refuses memory calls: each of them for good, all of them,
 * or the k-th for every k. malloc returns NULL with ENOMEM, free works, nothing
 * is lost, and service resumes with the kernel.
 */
#include "refusal.h"

#include <malloc.h>
#include <pthread.h>

#include "pattern.h"
#include "process.h"

enum { N_SIZES = 16, N_COPIES = 6, N_BLOCKS = N_SIZES * N_COPIES };

static const size_t sizes[N_SIZES] = {
	16,    48,    500,   1000,   3000,   9000,   20000,   30000,
	32768, 60000, 70000, 100000, 200000, 700000, 1500000, 5000000,
};

/* Large blocks are not written to their end. */
static size_t written(size_t size)
{
	return size < 10000 ? size : 10000;
}

static struct block {
	char *start;
	size_t size;
} blocks[N_BLOCKS];

static int may_fail;

/* The C library ends a thread with signals blocked, and so must not be stopped
 * by a SIGSYS there. */
static int has_threads = 1;

/* NULL is right only if the kernel may refuse, and with ENOMEM. */
static char *checked(void *block)
{
	if (block == NULL)
		EXPECT(may_fail && errno == ENOMEM);
	return block;
}

static void allocate(size_t i)
{
	struct block *block = &blocks[i];
	block->size = sizes[i % N_SIZES];
	errno = 0;
	if (i % 3 == 0) {
		block->start = checked(calloc(1, block->size));
		if (block->start != NULL)
			EXPECT(pattern_is_zero(block->start,
					       written(block->size)));
	} else if (i % 3 == 1) {
		block->start = checked(aligned_alloc(65536, block->size));
	} else {
		block->start = checked(malloc(block->size));
	}
	if (block->start != NULL)
		pattern_fill(block->start, written(block->size), i);
}

static void resize(size_t i, size_t size)
{
	struct block *block = &blocks[i];
	if (block->start == NULL)
		return;
	errno = 0;
	char *moved = checked(realloc(block->start, size));
	if (moved == NULL)
		return;
	size_t kept = size < block->size ? size : block->size;
	EXPECT(pattern_holds(moved, written(kept), i));
	block->start = moved;
	block->size = size;
	pattern_fill(moved, written(size), i);
}

static void release(size_t i)
{
	struct block *block = &blocks[i];
	if (block->start != NULL)
		EXPECT(pattern_holds(block->start, written(block->size), i));
	errno = 1234;
	free(block->start);
	EXPECT(errno == 1234);
	block->start = NULL;
}

static void *allocate_in_thread(void *argument)
{
	for (size_t i = 0; i < N_BLOCKS; i += 5)
		allocate(i);
	return argument;
}

static void work(void)
{
	pthread_t thread;
	if (has_threads &&
	    pthread_create(&thread, NULL, allocate_in_thread, NULL) == 0)
		pthread_join(thread, NULL);
	for (size_t i = 0; i < N_BLOCKS; i++)
		if (blocks[i].start == NULL)
			allocate(i);
	for (size_t i = 0; i < N_BLOCKS; i += 2)
		resize(i, blocks[i].size * 2);
	for (size_t i = 0; i < N_BLOCKS; i += 3)
		resize(i, blocks[i].size / 2 + 1);
	malloc_trim(0);
	for (size_t i = 0; i < N_BLOCKS; i++)
		release(i);
	malloc_trim(0);
}

static void check_heap(void)
{
	size_t (*heap_check)(void);
	*(void **)&heap_check = dlsym(RTLD_DEFAULT, "tarn_heap_check");
	heap_check();
}

/* Runs TEST in a child, because of the filter. */
static void in_child(void (*test)(int), int argument)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		expect_anew();
		test(argument);
		_exit(expect_status());
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXPECT_SKIPPED)
		_exit(EXPECT_SKIPPED);
	if (!EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0))
		dprintf(STDOUT_FILENO, "argument %d, status %#x\n", argument,
			(unsigned)status);
}

static void refused_forever(int which)
{
	work();
	may_fail = 1;
	for (int i = 0; i < REFUSABLE; i++)
		if (i == which || which == REFUSABLE)
			refuse_forever(refusable[i]);
	for (int i = 0; i < 3; i++)
		work();
	check_heap();
}

/* Calls so far, and those that are refused: FIRST to LAST, every STEP-th. */
static int n_calls, first, last, step;

static int is_refused(int number)
{
	(void)number;
	int call = __atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);
	return call >= first && call <= last && (call - first) % step == 0;
}

static void refuse_calls(int from, int to, int every)
{
	first = from;
	last = to;
	step = every;
	n_calls = 0;
	may_fail = to > 0;
}

/* Each call alone, until there are no more; then all of them in turn. */
static void refused_at_any_moment(int every)
{
	enum { MANY = 1 << 30 };
	has_threads = 0;
	refuse_calls(0, 0, 1);
	refuse_when(is_refused);
	work();
	int n = n_calls < 300 ? n_calls : 300;
	EXPECT(n > 0);
	for (int k = 1; k <= n; k++) {
		refuse_calls(k, every == 1 ? MANY : k, 1);
		work();
		refuse_calls(0, 0, 1);
		work();
	}
	for (int k = 2; k < 8; k++) {
		refuse_calls(1, MANY, k);
		work();
		refuse_calls(0, 0, 1);
		work();
	}
	check_heap();
}

int main(void)
{
	expect_tarn();
	for (int which = 0; which <= REFUSABLE; which++)
		in_child(refused_forever, which);
	in_child(refused_at_any_moment, 0);
	in_child(refused_at_any_moment, 1);
	return expect_status();
}
