/*
 * worker: the random operations, one function to each.
 */
#include "worker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tarn.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define SLICE_BYTES (64 * KIB)
#define LARGEST (48 * MIB)
#define MOST_STEPS 20000
/* Steps with large blocks take ten times as long. */
#define MOST_LARGE_STEPS 1000
#define MOST_HITS 50000
#define HELD_MAX 200
#define LONGEST_NAP_US 50000

/* A value no function sets, so that a success that touches errno shows. */
#define ERRNO_UNTOUCHED 4242

static void begin(const char *doing)
{
	shadow_context.doing = doing;
	errno = ERRNO_UNTOUCHED;
}

/*
 * False if a request was refused, and that is all right: memory is limited, and
 * what is live and what was asked for come near the limit.
 */
static bool is_served(struct worker *worker, const void *block, size_t size)
{
	if (block != NULL && errno != ERRNO_UNTOUCHED)
		shadow_fail("success set errno to %d", errno);
	if (block != NULL)
		return true;
	if (errno != ENOMEM)
		shadow_fail("no block of %zu bytes, errno %d", size, errno);
	if (worker->live_bytes + size < worker->refusal_bytes)
		shadow_fail("no block of %zu bytes when %zu are live", size,
			    worker->live_bytes);
	worker->n_refused++;
	return false;
}

static size_t random_edge(struct random *random)
{
	static const size_t edges[] = {
		16,	  64,	    112,       128,	  144,	    256,
		512,	  960,	    1 * KIB,   1152,	  2 * KIB,  4 * KIB,
		8 * KIB,  14 * KIB, 16 * KIB,  28 * KIB,  32 * KIB, 36 * KIB,
		48 * KIB, 64 * KIB, 128 * KIB, 192 * KIB, 1 * MIB,  4 * MIB,
	};
	size_t n = sizeof(edges) / sizeof(edges[0]);
	return edges[random_below(random, n)] + random_below(random, 5) - 2;
}

static size_t random_size(struct random *random, enum sizes sizes)
{
	switch (sizes) {
	case SIZES_TINY:
		return random_below(random, 129);
	case SIZES_SMALL:
		return random_below(random, KIB + 1);
	case SIZES_MEDIUM:
		return random_by_doubling(random, 1, 32 * KIB);
	case SIZES_EDGES:
		return random_edge(random);
	case SIZES_SLICES:
		return SLICE_BYTES * random_between(random, 1, 24) +
		       random_below(random, 33) - 16;
	case SIZES_RUNS:
		return SLICE_BYTES * random_between(random, 0, 15) +
		       random_between(random, 1, SLICE_BYTES);
	case SIZES_LARGE:
		return random_by_doubling(random, 32 * KIB, LARGEST);
	case SIZES_ZEROED:
		return random_between(random, 8 * KIB, 64 * KIB);
	default:
		return random_by_doubling(random, 1, 4 * MIB);
	}
}

static void next_phase(struct worker *worker)
{
	static const unsigned drifts[] = {80, 65, 50, 50, 35, 20};
	struct random *random = &worker->random;
	size_t n = sizeof(drifts) / sizeof(drifts[0]);
	enum sizes sizes = (enum sizes)random_below(random, N_SIZES);
	bool is_large = sizes == SIZES_LARGE || sizes == SIZES_SLICES ||
			sizes == SIZES_RUNS;
	size_t most = is_large ? MOST_LARGE_STEPS : MOST_STEPS;
	worker->phase = (struct phase){
		.steps_left = random_by_doubling(random, 50, most),
		.allocate_percent = drifts[random_below(random, n)],
		.sizes = sizes,
		.order = (enum order)random_below(random, N_ORDERS),
	};
}

/* Rounding may carry a worker a little over its limit. */
static size_t room(const struct worker *worker)
{
	return worker->live_bytes < worker->max_bytes
		       ? worker->max_bytes - worker->live_bytes
		       : 0;
}

static struct shadow_block *block_at(const struct worker *worker, size_t i)
{
	return &worker->blocks[(worker->head + i) & (worker->capacity - 1)];
}

bool worker_put(struct worker *worker, const struct shadow_block *block)
{
	if (worker->count == worker->capacity)
		return false;
	*block_at(worker, worker->count++) = *block;
	worker->live_bytes += block->usable;
	return true;
}

bool worker_take(struct worker *worker, struct shadow_block *block)
{
	if (worker->count == 0)
		return false;
	size_t newest = worker->count - 1;
	if (worker->phase.order == ORDER_FIFO) {
		*block = *block_at(worker, 0);
		worker->head++;
	} else {
		size_t i = newest;
		if (worker->phase.order == ORDER_RANDOM)
			i = random_below(&worker->random, worker->count);
		*block = *block_at(worker, i);
		*block_at(worker, i) = *block_at(worker, newest);
	}
	worker->count--;
	worker->live_bytes -= block->usable;
	return true;
}

/* A divisor of SIZE, found without much trouble. */
static size_t random_divisor(struct random *random, size_t size)
{
	size_t n = random_between(random, 1, 64);
	return size % n == 0 ? n : 1;
}

static void *allocate_calloc(struct random *random, size_t size, uint64_t tag)
{
	size_t n = random_divisor(random, size);
	begin("calloc");
	void *start = tarn_calloc(n, size / n);
	if (start != NULL)
		shadow_check_zero(start, size, tag);
	return start;
}

/* Through one of the functions that take an alignment. */
static void *allocate_aligned(struct random *random, size_t size,
			      size_t alignment)
{
	void *start = NULL;
	switch (random_below(random, 3)) {
	case 0:
		begin("aligned_alloc");
		return tarn_aligned_alloc(alignment, size);
	case 1:
		begin("memalign");
		return tarn_memalign(alignment - alignment / 4, size);
	default:
		begin("posix_memalign");
		if (alignment < sizeof(void *))
			alignment = sizeof(void *);
		int error = tarn_posix_memalign(&start, alignment, size);
		if (errno != ERRNO_UNTOUCHED)
			shadow_fail("posix_memalign set errno to %d", errno);
		if (error != 0)
			errno = error;
		return start;
	}
}

static void *allocate_plain(struct worker *worker, size_t size, uint64_t tag)
{
	struct random *random = &worker->random;
	if (worker->phase.sizes == SIZES_ZEROED && random_one_in(random, 2))
		return allocate_calloc(random, size, tag);
	switch (random_below(random, 8)) {
	case 0:
	case 1:
		return allocate_calloc(random, size, tag);
	case 2:
		begin("realloc of NULL");
		return tarn_realloc(NULL, size > 0 ? size : 1);
	case 3:
		begin("reallocarray of NULL");
		return tarn_reallocarray(NULL, 1, size > 0 ? size : 1);
	default:
		begin("malloc");
		return tarn_malloc(size);
	}
}

static void allocate(struct worker *worker)
{
	struct random *random = &worker->random;
	size_t size = random_size(random, worker->phase.sizes);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t tag = random_next(random);
	struct shadow_block block;
	size_t alignment = 0;
	void *start;
	if (size > room(worker))
		return;
	if (random_one_in(random, 12)) {
		size_t most = random_one_in(random, 50) ? 24 : 14;
		alignment = (size_t)1 << random_between(random, 0, most);
		start = allocate_aligned(random, size, alignment);
	} else if (random_one_in(random, 200)) {
		alignment = page;
		begin("valloc");
		start = tarn_valloc(size);
	} else if (random_one_in(random, 200)) {
		alignment = page;
		begin("pvalloc");
		start = tarn_pvalloc(size);
		size = (size + page - 1) & ~(page - 1);
	} else {
		start = allocate_plain(worker, size, tag);
	}
	if (!is_served(worker, start, size))
		return;
	shadow_adopt(&block, start, size, alignment, tag);
	worker_put(worker, &block);
}

void worker_free_block(struct random *random, const struct shadow_block *block)
{
	shadow_retire(block);
	switch (random_below(random, 8)) {
	case 0:
		if (block->alignment == 0) {
			begin("free_sized");
			tarn_free_sized(block->start, block->size);
		} else {
			begin("free_aligned_sized");
			tarn_free_aligned_sized(block->start, block->alignment,
						block->size);
		}
		break;
	case 1:
		begin("realloc to 0");
		if (tarn_realloc(block->start, 0) != NULL)
			shadow_fail("realloc to 0 gave a block");
		break;
	default:
		begin("free");
		tarn_free(block->start);
	}
	if (errno != ERRNO_UNTOUCHED)
		shadow_fail("errno became %d", errno);
}

static void free_one(struct worker *worker)
{
	struct shadow_block block;
	if (worker_take(worker, &block))
		worker_free_block(&worker->random, &block);
}

static size_t random_new_size(struct worker *worker, size_t old)
{
	struct random *random = &worker->random;
	switch (random_below(random, 6)) {
	case 0:
		return old + random_below(random, 33);
	case 1:
		return old > 33 ? old - random_below(random, 33) : 1;
	case 2:
		return old * 2 < LARGEST ? old * 2 : old;
	case 3:
		return old / 2;
	case 4:
		return old;
	default:
		return random_size(random, worker->phase.sizes);
	}
}

static void reallocate(struct worker *worker)
{
	struct random *random = &worker->random;
	uint64_t tag = random_next(random);
	struct shadow_block old, block;
	if (!worker_take(worker, &old))
		return;
	size_t size = random_new_size(worker, old.size);
	if (size == 0 || size > room(worker))
		size = old.size > 0 ? old.size : 1;
	shadow_retire(&old);
	void *start;
	if (random_one_in(random, 4)) {
		size_t n = random_divisor(random, size);
		begin("reallocarray");
		start = tarn_reallocarray(old.start, n, size / n);
	} else {
		begin("realloc");
		start = tarn_realloc(old.start, size);
	}
	if (is_served(worker, start, size)) {
		shadow_moved(&block, &old, start, size, tag);
		worker_put(worker, &block);
	} else {
		shadow_reclaim(&old);
		worker_put(worker, &old);
	}
}

static void check_one(struct worker *worker)
{
	if (worker->count == 0)
		return;
	begin("check");
	size_t i = random_below(&worker->random, worker->count);
	shadow_check(block_at(worker, i));
}

/*
 * The hit paths, as fast as they go: so that a theft strikes in the middle of
 * them. Who is given a block that another has writes over the other's mark.
 */
static void hit_hard(struct worker *worker)
{
	struct random *random = &worker->random;
	uint64_t *held[HELD_MAX] = {0};
	size_t n_held = random_between(random, 1, HELD_MAX);
	size_t size = random_by_doubling(random, sizeof(uint64_t), KIB);
	size_t n = random_by_doubling(random, 100, MOST_HITS);
	uint64_t mark = random_next(random);
	begin("malloc and free, fast");
	for (size_t left = n + n_held; left-- > 0;) {
		size_t i = left < n_held ? left : random_below(random, n_held);
		if (held[i] != NULL) {
			if (*held[i] != mark + i)
				shadow_fail("block %p belongs to two",
					    (void *)held[i]);
			*held[i] = 0;
			tarn_free(held[i]);
			held[i] = NULL;
		} else if (left >= n_held) {
			held[i] = tarn_malloc(size << (i & 1));
			if (held[i] != NULL)
				*held[i] = mark + i;
		}
	}
	errno = ERRNO_UNTOUCHED;
}

/* Then others find that it sleeps, and do for it what it would do. */
static void take_a_nap(struct worker *worker)
{
	begin("a nap");
	usleep((useconds_t)random_by_doubling(&worker->random, 10,
					      LONGEST_NAP_US));
}

static void expect_refusal(const void *block, int error)
{
	if (block != NULL)
		shadow_fail("got %p instead of a refusal", block);
	if (errno != error)
		shadow_fail("refused with errno %d, not %d", errno, error);
}

/* Requests that nobody can serve, and a block that a failed realloc keeps. */
static void ask_the_impossible(struct worker *worker)
{
	/* Not known to the compiler, which warns of such sizes. */
	volatile size_t too_much = (size_t)PTRDIFF_MAX + 1;
	volatile size_t odd_alignment = 48;
	struct shadow_block block;
	void *out = &block;
	size_t more = too_much + random_below(&worker->random, KIB);
	/* No size error, but more than there are addresses. */
	size_t vast =
		random_between(&worker->random, (size_t)1 << 47, PTRDIFF_MAX);
	begin("malloc of too much");
	expect_refusal(tarn_malloc(more), ENOMEM);
	expect_refusal(tarn_malloc(vast), ENOMEM);
	begin("calloc that overflows");
	expect_refusal(tarn_calloc(more, 2), ENOMEM);
	begin("aligned_alloc of too much");
	expect_refusal(tarn_aligned_alloc(64, more), ENOMEM);
	expect_refusal(tarn_aligned_alloc((size_t)1 << 62, 1), ENOMEM);
	begin("aligned_alloc with an odd alignment");
	expect_refusal(tarn_aligned_alloc(odd_alignment, 10), EINVAL);
	begin("posix_memalign refusals");
	if (tarn_posix_memalign(&out, odd_alignment, 10) != EINVAL ||
	    tarn_posix_memalign(&out, 4, 10) != EINVAL ||
	    tarn_posix_memalign(&out, 64, more) != ENOMEM || out != &block ||
	    errno != ERRNO_UNTOUCHED)
		shadow_fail("wrong result, out %p, errno %d", out, errno);
	if (!worker_take(worker, &block))
		return;
	begin("realloc to too much");
	expect_refusal(tarn_realloc(block.start, more), ENOMEM);
	begin("reallocarray that overflows");
	expect_refusal(tarn_reallocarray(block.start, more, 4), ENOMEM);
	shadow_check(&block);
	worker_put(worker, &block);
}

static void set_decay(struct worker *worker)
{
	static const char *const values[] = {"0",    "1ms", "10ms",
					     "50ms", "1s",  "never"};
	size_t n = sizeof(values) / sizeof(values[0]);
	char text[64];
	begin("tarn_option_set");
	if (tarn_option_set("decay", values[random_below(&worker->random, n)]))
		shadow_fail("decay cannot be set: errno %d", errno);
	if (tarn_option_set("no such option", "1") != -1 || errno != ENOENT)
		shadow_fail("an unknown option was set");
	begin("tarn_option_get");
	if (tarn_option_get("decay", text, sizeof(text)) != 0)
		shadow_fail("decay cannot be read: errno %d", errno);
}

static void look_at_heap(struct worker *worker)
{
	begin("tarn_heap_check");
	tarn_heap_check();
	begin("tarn_stats_get");
	shadow_check_stats();
	if (worker->may_purge && random_one_in(&worker->random, 4)) {
		begin("tarn_purge");
		tarn_purge();
		begin("tarn_heap_check after a purge");
		tarn_heap_check();
	}
	if (worker->may_purge && random_one_in(&worker->random, 8))
		set_decay(worker);
}

void worker_step(struct worker *worker)
{
	struct random *random = &worker->random;
	if (worker->phase.steps_left-- == 0)
		next_phase(worker);
	shadow_context.op++;
	size_t roll = random_below(random, 10000);
	if (roll < 4)
		look_at_heap(worker);
	else if (roll < 6)
		hit_hard(worker);
	else if (roll < 10 && worker->may_nap)
		take_a_nap(worker);
	else if (roll < 50)
		ask_the_impossible(worker);
	else if (roll < 300)
		check_one(worker);
	else if (roll < 1500)
		reallocate(worker);
	else if (worker->count == worker->capacity ||
		 worker->live_bytes > worker->max_bytes / 8 * 7 ||
		 random_below(random, 100) >= worker->phase.allocate_percent)
		free_one(worker);
	else
		allocate(worker);
}

void worker_check(const struct worker *worker)
{
	begin("check of all");
	for (size_t i = 0; i < worker->count; i++)
		shadow_check(block_at(worker, i));
}

void worker_free_all(struct worker *worker)
{
	while (worker->count > 0)
		free_one(worker);
}

void worker_start(struct worker *worker, uint64_t seed, size_t max_blocks,
		  size_t max_bytes)
{
	*worker = (struct worker){
		.random = {.state = seed},
		.capacity = 1,
		.max_bytes = max_bytes,
		.refusal_bytes = SIZE_MAX,
		.may_purge = true,
	};
	while (worker->capacity < max_blocks)
		worker->capacity *= 2;
	worker->blocks = calloc(worker->capacity, sizeof(*worker->blocks));
	if (worker->blocks == NULL)
		shadow_fail("no memory for the test itself");
	next_phase(worker);
}

void worker_end(struct worker *worker)
{
	if (worker->count != 0)
		shadow_fail("a worker ends with %zu blocks", worker->count);
	free(worker->blocks);
}
