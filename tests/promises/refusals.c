/*
 * refusals: a malloc that fails under RLIMIT_AS asks the kernel three times at
 * most, however often, and service resumes when memory is back: at once, be it
 * freed or unmapped by the program, or had by a higher limit. (Each that failed
 * made 59 calls of mmap.)
 */
#include "steps.h"

#include "../preload/fill.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "promise.h"

#include <stdbool.h>

#define ROOM (160 * MIB)
#define OWN_BYTES (64 * MIB)

/* What a call that fails may cost, and how many are made one after another. */
enum { LIMIT = STEPS_LIMIT(100000), MMAP_MAX = 3, CALLS_MAX = 6, N_TRIES = 8 };

static void limit_address_space(size_t bytes)
{
	struct rlimit limit = {bytes, RLIM_INFINITY};
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* malloc(SIZE), which made so few calls if it failed. */
static void *take_cheaply(size_t size)
{
	steps_begin(LIMIT);
	void *block = malloc(size);
	steps_end();
	unsigned asked = steps.calls[SYS_mmap], all = steps_memory_calls();
	bool is_cheap =
		asked <= MMAP_MAX && all <= CALLS_MAX && steps.n < LIMIT;
	if (block == NULL && !is_cheap)
		promise_broken("malloc(%zu): %u calls of mmap, %u in all, %llu "
			       "instructions\n",
			       size, asked, all, (unsigned long long)steps.n);
	return block;
}

/* What the first refusal gathered may serve another call or two. */
static void fails_cheaply(size_t size)
{
	int n_refused = 0;
	for (int i = 0; i < N_TRIES; i++)
		n_refused += take_cheaply(size) == NULL;
	EXPECT(n_refused >= N_TRIES / 2);
}

/* Also the one that finds that there is no more. */
static void fill_cheaply(size_t size)
{
	struct filling filling = {NULL, 0, 0};
	void **block;
	while ((block = take_cheaply(size)) != NULL) {
		*block = filling.last;
		filling.last = block;
		filling.n_blocks++;
	}
	fill_free(&filling, filling.n_blocks);
}

/* And one block freed is one block that can be had. */
static void all_fail_cheaply(size_t size)
{
	struct filling filling = fill_all(size);
	EXPECT(filling.n_blocks > 0);
	fails_cheaply(size);
	fails_cheaply(size * 2);
	fill_free(&filling, 1);
	EXPECT(fill_one(&filling, size));
	fill_free(&filling, filling.n_blocks);
}

static void resumes_when_freed(size_t size, size_t other)
{
	struct filling filling = fill_all(size);
	fails_cheaply(size);
	size_t n = other / size * 2 + 2 * MIB / size + 1;
	fill_free(&filling, n);
	void *block = malloc(other);
	EXPECT(block != NULL);
	free(block);
	if (!EXPECT(fill_one(&filling, size)))
		promise_broken("of %zu after %zu\n", size, other);
	fill_free(&filling, filling.n_blocks);
}

static void *map_of_our_own(void)
{
	void *mapping = mmap(NULL, OWN_BYTES, PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(mapping != MAP_FAILED);
	return mapping;
}

static void resumes_when_unmapped(size_t size, void *mapping)
{
	struct filling filling = fill_all(size);
	fails_cheaply(size);
	munmap(mapping, OWN_BYTES);
	EXPECT(fill_one(&filling, size));
	fill_free(&filling, filling.n_blocks);
}

static void resumes_when_raised(size_t size, size_t limit)
{
	struct filling filling = fill_all(size);
	fails_cheaply(size);
	limit_address_space(limit + 64 * MIB);
	EXPECT(fill_one(&filling, size));
	fill_free(&filling, filling.n_blocks);
	limit_address_space(limit);
}

static void *fail_in_thread(void *size)
{
	fails_cheaply((size_t)(uintptr_t)size);
	return NULL;
}

/* With room for their stacks, and none for what they ask for. */
static void threads_fail_cheaply(void)
{
	enum { N_THREADS = 4 };
	pthread_t threads[N_THREADS];
	int n = 0;
	limit_address_space(process_mapped_bytes() + 80 * MIB);
	for (; n < N_THREADS; n++)
		if (pthread_create(&threads[n], NULL, fail_in_thread,
				   (void *)(uintptr_t)GIB) != 0)
			break;
	EXPECT(n > 0);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	static const size_t sizes[] = {64,     3000,   40000,
				       100000, 700000, 5000000};
	expect_tarn();
	free(malloc(1));
	/* Before addresses are short. */
	void *own[] = {map_of_our_own(), map_of_our_own()};
	size_t limit = process_mapped_bytes() + ROOM;
	limit_address_space(limit);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		all_fail_cheaply(sizes[i]);
	fill_cheaply(700000);
	fill_cheaply(5000000);
	resumes_when_freed(64, 100000);
	resumes_when_freed(100000, 64);
	resumes_when_freed(5000000, 3000);
	resumes_when_freed(40000, 5000000);
	resumes_when_unmapped(100000, own[0]);
	resumes_when_unmapped(500, own[1]);
	resumes_when_raised(100000, limit);
	resumes_when_raised(2000, limit);
	threads_fail_cheaply();
	return expect_status();
}
