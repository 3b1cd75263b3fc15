/*
 * young: traces by generation say nothing that a full trace would not, and all
 * that their law lets them.
 *
 * A random program changes a small heap; then a trace of some generation and
 * one of everything look at it, both from the words in `kept` alone. A model of
 * the law of trace/generations.h tells which blocks are judged. What the first
 * found lost must be lost for the second; where no word points to memory that
 * was freed, it must be all that is lost and judged, but for what is reached
 * from lost blocks that are not judged.
 *
 * With --dirty blocks are not cleared, and pointers to freed ones stay: then
 * the first must hold. With --blind the kernel refuses to tell what was
 * written.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../stress/random.h"
#include "base/bits.h"
#include "meta/region.h"
#include "tarn.h"
#include "trace/trace.h"

#define ROOTS 24
#define BLOCKS 600
#define LINKS 6
#define CHANGES 150
#define GRANULES ((size_t)64 << 20) /* of 16 bytes: 1 GiB */

static struct settings {
	uint64_t seed;
	uint32_t steps;
	bool is_dirty;
	bool is_blind;
	bool is_quiet;
} settings = {.seed = 1, .steps = 3000};

struct block {
	char *at; /* NULL: none */
	size_t bytes;
	uint32_t links[LINKS]; /* block + 1, at word i; 0: none */
};

struct place_of {
	uintptr_t at;
	size_t bytes;
};

static struct random random_state;
static uint32_t step;
static uintptr_t kept[ROOTS];
static uint32_t kept_block[ROOTS]; /* block + 1 */
static struct block blocks[BLOCKS];
static struct trace partial, full;

/* The model: what was live at the last traces, what has died since the last
 * full one, what is frozen. */
static struct place_of before[2][BLOCKS];
static size_t n_before[2];
static uint8_t *claimed;
static struct place_of frozen[BLOCKS];
static size_t n_frozen;
static bool has_traced;
static uint64_t n_judged, n_lost, n_traces[N_GENERATIONS], n_full;

_Noreturn static void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fflush(stdout);
	fprintf(stderr, "young: seed %llu%s, step %u: ",
		(unsigned long long)settings.seed,
		settings.is_dirty ? ", dirty" : "", step);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(1);
}

/* --- the program ------------------------------------------------------- */

static size_t below(size_t n)
{
	return random_below(&random_state, n);
}

static uint32_t some_block(void)
{
	for (int i = 0; i < 50; i++) {
		uint32_t b = (uint32_t)below(BLOCKS);
		if (blocks[b].at != NULL)
			return b;
	}
	return BLOCKS;
}

static size_t some_size(void)
{
	if (random_one_in(&random_state, 60))
		return random_by_doubling(&random_state, 40000, 3000000);
	return random_by_doubling(&random_state, LINKS * 8, 3000);
}

static void set_word(struct block *block, size_t i, uintptr_t word)
{
	((uintptr_t *)block->at)[i] = word;
}

static void set_link(uint32_t from, size_t i, uint32_t to)
{
	uintptr_t inside = random_one_in(&random_state, 10) ? below(40) : 0;
	set_word(&blocks[from], i, (uintptr_t)blocks[to].at + inside);
	blocks[from].links[i] = to + 1;
}

/* No word points to B any more. */
static void unlink_all(uint32_t b)
{
	if (settings.is_dirty)
		return;
	for (uint32_t from = 0; from < BLOCKS; from++)
		for (size_t i = 0; i < LINKS && blocks[from].at != NULL; i++)
			if (blocks[from].links[i] == b + 1) {
				blocks[from].links[i] = 0;
				set_word(&blocks[from], i, 0);
			}
	for (size_t i = 0; i < ROOTS; i++)
		if (kept_block[i] == b + 1)
			kept[i] = kept_block[i] = 0;
}

/* Its words change, those that point to it do not. */
static void clear_from(struct block *block, size_t from)
{
	block->bytes = tarn_malloc_usable_size(block->at);
	if (!settings.is_dirty && block->bytes > from)
		memset(block->at + from, 0, block->bytes - from);
}

static void allocate(void)
{
	uint32_t b = (uint32_t)below(BLOCKS);
	if (blocks[b].at != NULL)
		return;
	blocks[b] = (struct block){.at = tarn_malloc(some_size())};
	if (blocks[b].at == NULL)
		fail("no memory");
	clear_from(&blocks[b], 0);
	uint32_t holder = some_block();
	if (holder != BLOCKS && !random_one_in(&random_state, 4))
		set_link(holder, below(LINKS), b);
	if (random_one_in(&random_state, 10))
		set_link(b, below(LINKS), b);
}

static void release(uint32_t b)
{
	unlink_all(b);
	tarn_free(blocks[b].at);
	blocks[b] = (struct block){0};
}

static void resize(uint32_t b)
{
	struct block *block = &blocks[b];
	char *old = block->at;
	size_t old_bytes = block->bytes;
	char *moved = tarn_realloc(old, some_size());
	if (moved == NULL)
		fail("no memory");
	block->at = moved;
	clear_from(block, old_bytes);
	if (moved != old)
		unlink_all(b);
}

static void set_root(void)
{
	size_t i = below(ROOTS);
	uint32_t b = random_one_in(&random_state, 3) ? BLOCKS : some_block();
	kept_block[i] = b == BLOCKS ? 0 : b + 1;
	kept[i] = b == BLOCKS ? 0 : (uintptr_t)blocks[b].at;
}

static void change_link(void)
{
	uint32_t from = some_block(), to = some_block();
	size_t i = below(LINKS);
	if (from == BLOCKS)
		return;
	if (to != BLOCKS && !random_one_in(&random_state, 3)) {
		set_link(from, i, to);
	} else {
		set_word(&blocks[from], i, 0);
		blocks[from].links[i] = 0;
	}
}

static void change(void)
{
	uint32_t b = some_block();
	size_t what = below(100);
	if (what < 40 || b == BLOCKS)
		allocate();
	else if (what < 60)
		release(b);
	else if (what < 67)
		resize(b);
	else if (what < 75)
		set_root();
	else
		change_link();
}

/* --- the model --------------------------------------------------------- */

static uint8_t *granules(struct place_of place, size_t *n)
{
	uintptr_t first = (place.at - regions[0].base) / 16;
	*n = place.bytes / 16;
	if (first + *n > GRANULES)
		fail("the heap is too large for the model");
	return claimed + first;
}

static bool is_claimed(struct place_of place)
{
	size_t n;
	const uint8_t *at = granules(place, &n);
	return memchr(at, 1, n) != NULL;
}

static bool is_among(const struct place_of *all, size_t n,
		     struct place_of place, bool any_length)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].at == place.at &&
		    (all[i].bytes == place.bytes || any_length))
			return true;
	return false;
}

static size_t list_live(struct place_of *to)
{
	size_t n = 0;
	for (uint32_t b = 0; b < BLOCKS; b++)
		if (blocks[b].at != NULL)
			to[n++] = (struct place_of){(uintptr_t)blocks[b].at,
						    blocks[b].bytes};
	return n;
}

static bool is_large(struct place_of place)
{
	return place.bytes > 32768;
}

/* Sets a bit for each block that is judged; returns how many. */
static uint64_t model_judged(enum generation judged, uint64_t *bits)
{
	int g = judged == GENERATION_YOUNG ? 0 : 1;
	struct place_of now[BLOCKS];
	size_t n = list_live(now);
	uint64_t count = 0;
	struct place place;
	if (judged == GENERATION_OLD)
		memset(claimed, 0, GRANULES);
	for (size_t i = 0; judged != GENERATION_OLD && i < n_before[g]; i++)
		if (!is_among(now, n, before[g][i], false)) {
			size_t all;
			memset(granules(before[g][i], &all), 1,
			       before[g][i].bytes / 16);
		}
	for (size_t i = 0; i < n; i++) {
		bool is_old = judged != GENERATION_OLD &&
			      (is_among(before[g], n_before[g], now[i],
					is_large(now[i])) ||
			       is_claimed(now[i]));
		if (is_old ||
		    is_among(frozen, n_frozen, now[i], is_large(now[i])))
			continue;
		if (!snapshot_find(&full.snapshot, now[i].at, &place))
			fail("%p is not live", (void *)now[i].at);
		bits_set(bits, place.bit);
		count++;
	}
	return count;
}

static void model_end(enum generation judged)
{
	struct place_of now[BLOCKS];
	size_t n = list_live(now);
	for (int g = 0; g < (judged == GENERATION_YOUNG ? 1 : 2); g++) {
		memcpy(before[g], now, sizeof(now));
		n_before[g] = n;
	}
	for (size_t i = n_frozen; i-- > 0;)
		if (!is_among(now, n, frozen[i], is_large(frozen[i])))
			frozen[i] = frozen[--n_frozen];
}

/* --- comparing --------------------------------------------------------- */

static uint64_t *take_bits(void)
{
	uint64_t *bits = calloc(full.snapshot.n_words + 1, sizeof(*bits));
	if (bits == NULL)
		fail("no memory");
	return bits;
}

static uintptr_t address_of(uint64_t bit, size_t *bytes)
{
	const struct snapshot *snapshot = &full.snapshot;
	uint32_t i = 1;
	while (i < snapshot->n_runs && snapshot->runs[i + 1].first_bit <= bit)
		i++;
	*bytes = snapshot->runs[i].block_bytes;
	return run_block(&snapshot->runs[i],
			 (uint32_t)(bit - snapshot->runs[i].first_bit));
}

/* Takes out of EXPECTED what words in blocks of HOLDERS lead to. */
static void remove_held(uint64_t *expected, const uint64_t *holders)
{
	size_t n_bits = full.snapshot.n_words * 64;
	uint64_t *seen = take_bits();
	bool goes_on = true;
	memcpy(seen, holders, full.snapshot.n_words * sizeof(*seen));
	uint64_t *todo = take_bits();
	memcpy(todo, seen, full.snapshot.n_words * sizeof(*seen));
	while (goes_on) {
		goes_on = false;
		for (uint64_t bit = 0; bit < n_bits; bit++) {
			size_t bytes;
			struct place place;
			if (!bits_test(todo, bit))
				continue;
			bits_clear(todo, bit);
			goes_on = true;
			const uintptr_t *words =
				(const uintptr_t *)address_of(bit, &bytes);
			for (size_t i = 0; i < bytes / 8; i++)
				if (snapshot_find(&full.snapshot, words[i],
						  &place) &&
				    bits_test(full.snapshot.live, place.bit) &&
				    !bits_test(seen, place.bit)) {
					bits_set(seen, place.bit);
					bits_set(todo, place.bit);
				}
		}
	}
	for (size_t w = 0; w < full.snapshot.n_words; w++)
		expected[w] &= ~seen[w];
	free(seen);
	free(todo);
}

static void compare(const struct generation_look *look)
{
	size_t n_words = full.snapshot.n_words, bytes;
	const uint64_t *found = partial.mark.unreached;
	const uint64_t *lost = full.mark.unreached;
	uint64_t *judged = take_bits(), *expected = take_bits();
	uint64_t *holders = take_bits();
	uint64_t n = model_judged(look->judged, judged);
	if (n_words != partial.snapshot.n_words)
		fail("the snapshots differ");
	if (n != look->judged_blocks && !settings.is_dirty)
		fail("%llu judged, not %llu",
		     (unsigned long long)look->judged_blocks,
		     (unsigned long long)n);
	for (size_t w = 0; w < n_words; w++) {
		expected[w] = lost[w] & judged[w];
		holders[w] = lost[w] & ~judged[w];
	}
	remove_held(expected, holders);
	for (uint64_t bit = 0; bit < n_words * 64; bit++) {
		bool is_found = bits_test(found, bit);
		if (is_found && !bits_test(lost, bit))
			fail("%p is held, but a trace of generation %d says "
			     "that it is lost",
			     (void *)address_of(bit, &bytes), look->generation);
		if (!settings.is_dirty && !is_found && bits_test(expected, bit))
			fail("%p is lost, but not for a trace of generation %d",
			     (void *)address_of(bit, &bytes), look->generation);
		n_lost += is_found;
	}
	n_judged += look->judged_blocks;
	free(judged);
	free(expected);
	free(holders);
}

/* --- steps ------------------------------------------------------------- */

static const struct root_range range = {(uintptr_t)kept,
					(uintptr_t)(kept + ROOTS)};

static void look(enum generation generation)
{
	struct generation_look asked = {.generation = generation};
	struct trace_options options = {
		.root_kinds = ROOT_REGIONS,
		.regions = &range,
		.n_regions = 1,
		.wants_possible = random_one_in(&random_state, 2),
		.look = &asked,
	};
	if (!trace_take(&partial, &options))
		fail("no memory for a trace");
	options.look = NULL;
	if (!trace_take(&full, &options))
		fail("no memory for a full trace");
	bool is_full = generation == GENERATION_OLD || !has_traced ||
		       settings.is_blind;
	if ((asked.judged == GENERATION_OLD) != is_full && !asked.is_blind)
		fail("a trace of generation %d judged %d", generation,
		     asked.judged);
	compare(&asked);
	model_end(asked.judged);
	has_traced = true;
	n_traces[generation]++;
	n_full += asked.judged == GENERATION_OLD;
	if (settings.is_blind && !asked.is_blind)
		fail("the kernel was not to tell what was written");
	trace_end(&partial);
	trace_end(&full);
}

static void freeze(void)
{
	if (random_one_in(&random_state, 2)) {
		tarn_unfreeze();
		n_frozen = 0;
		return;
	}
	if (tarn_freeze() != 0)
		fail("no memory to freeze");
	n_frozen = list_live(frozen);
	if (tarn_freeze_count_get() != n_frozen)
		fail("%llu frozen, not %zu",
		     (unsigned long long)tarn_freeze_count_get(), n_frozen);
}

static enum generation some_generation(void)
{
	size_t i = below(40);
	return i == 0  ? GENERATION_OLD
	       : i < 6 ? GENERATION_MIDDLE
		       : GENERATION_YOUNG;
}

static void run_steps(uint32_t n)
{
	while (n-- > 0) {
		size_t n_changes = below(CHANGES);
		step++;
		while (n_changes-- > 0)
			change();
		if (random_one_in(&random_state, 50))
			freeze();
		if (random_one_in(&random_state, 30))
			tarn_purge();
		if (random_one_in(&random_state, 200))
			for (uint32_t b = 0; b < BLOCKS; b++)
				if (blocks[b].at != NULL)
					release(b);
		look(some_generation());
	}
}

/* A child starts anew, and its parent goes on. */
static void run_child(void)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		has_traced = false;
		run_steps(20);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		fail("the child of a fork failed");
}

static void refuse_userfaultfd(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
		puts("skipped: no seccomp filters");
		exit(77);
	}
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"steps", required_argument, NULL, 'n'},
		{"dirty", no_argument, NULL, 'd'},
		{"blind", no_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			settings.seed = strtoull(optarg, NULL, 0);
		else if (option == 'n')
			settings.steps = (uint32_t)strtoul(optarg, NULL, 0);
		else if (option == 'd')
			settings.is_dirty = true;
		else if (option == 'b')
			settings.is_blind = true;
		else {
			fputs("usage: young [--seed N] [--steps N] [--dirty] "
			      "[--blind]\n",
			      stderr);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	random_state.state = settings.seed;
	claimed = mmap(NULL, GRANULES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (claimed == MAP_FAILED)
		fail("no memory");
	if (settings.is_blind)
		refuse_userfaultfd();
	while (step < settings.steps) {
		run_steps(100);
		run_child();
	}
	printf("young: seed %llu, %llu young, %llu middle, %llu old traces, "
	       "%llu of them full; %llu blocks judged, %llu lost\n",
	       (unsigned long long)settings.seed,
	       (unsigned long long)n_traces[0], (unsigned long long)n_traces[1],
	       (unsigned long long)n_traces[2], (unsigned long long)n_full,
	       (unsigned long long)n_judged, (unsigned long long)n_lost);
	return 0;
}
