/*
 * statistics: they add up. The seven sums are mapped_bytes, that is what the
 * kernel counts as the size of tarn's mappings, and resident_bytes is what it
 * has of them in memory: at every stage of a program's life.
 */
#include "mappings.h"

#include <malloc.h>
#include <pthread.h>

#include "pattern.h"
#include "process.h"
#include "tarn.h"

enum { N_SMALL = 100000, N_LARGE = 30, N_THREADS = 4 };

static int (*stats_get)(struct tarn_stats *stats, size_t size);
static int (*stats_print)(int fd, enum tarn_format format);
static size_t (*heap_check)(void);

static char *small[N_SMALL], *large[N_LARGE];
static pthread_barrier_t filled, looked;

static void *tarn_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);
	if (symbol == NULL)
		EXPECT(!"it is there");
	return symbol;
}

static struct tarn_stats stats_now(void)
{
	struct tarn_stats stats;
	EXPECT(stats_get(&stats, sizeof(stats)) == 0);
	return stats;
}

static int differs_by_less(size_t a, size_t b, size_t limit)
{
	return (a < b ? b - a : a - b) < limit;
}

static void statistics_add_up(const char *when)
{
	static struct ranges ranges;
	struct tarn_stats stats = stats_now();
	mappings_of(expect_home_of("tarn_version"), &ranges);
	size_t mapped = ranges_bytes(&ranges);
	size_t resident = ranges_resident_bytes(&ranges);
	int good = EXPECT(stats.live_bytes + stats.rounding_bytes +
				  stats.free_bytes + stats.magazine_bytes +
				  stats.cached_bytes + stats.purged_bytes +
				  stats.metadata_bytes ==
			  stats.mapped_bytes);
	good &= EXPECT(stats.mapped_bytes == mapped);
	good &= EXPECT(ranges_mapped_bytes(&ranges) == mapped);
	/* Reading /proc may touch a page or two more. */
	good &= EXPECT(differs_by_less(stats.resident_bytes, resident, 65536));
	if (!good)
		dprintf(STDOUT_FILENO,
			"%s: mapped %zu, they say %zu; resident %zu, they say "
			"%zu\n",
			when, mapped, (size_t)stats.mapped_bytes, resident,
			(size_t)stats.resident_bytes);
}

static void fill_all(void)
{
	for (int i = 0; i < N_SMALL; i++)
		small[i] = memset(malloc(16 + (size_t)i % 3000), 1, 16);
	for (size_t i = 0; i < N_LARGE; i++)
		large[i] = memset(malloc(i * 300000 + 70000), 1, 50000);
}

static void free_every(int step)
{
	for (int i = 0; i < N_SMALL; i++)
		if (i % step == 0) {
			free(small[i]);
			small[i] = NULL;
		}
	for (int i = 0; i < N_LARGE; i++)
		if (i % step == 0) {
			free(large[i]);
			large[i] = NULL;
		}
}

static void *hold_some(void *argument)
{
	char *blocks[1000];
	for (int i = 0; i < 1000; i++)
		blocks[i] = malloc((size_t)i * 10);
	for (int i = 0; i < 1000; i += 2)
		free(blocks[i]);
	pthread_barrier_wait(&filled);
	pthread_barrier_wait(&looked);
	for (int i = 1; i < 1000; i += 2)
		free(blocks[i]);
	return argument;
}

static void threads_are_counted(void)
{
	pthread_t threads[N_THREADS];
	pthread_barrier_init(&filled, NULL, N_THREADS + 1);
	pthread_barrier_init(&looked, NULL, N_THREADS + 1);
	struct tarn_stats before = stats_now();
	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, hold_some, NULL);
	pthread_barrier_wait(&filled);
	struct tarn_stats during = stats_now();
	statistics_add_up("with threads");
	EXPECT(during.heaps >= N_THREADS + 1);
	EXPECT(during.live_blocks >= before.live_blocks + N_THREADS * 500);
	EXPECT(during.live_blocks <= before.live_blocks + N_THREADS * 510);
	pthread_barrier_wait(&looked);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	struct tarn_stats after = stats_now();
	statistics_add_up("after threads");
	EXPECT(after.parked_heaps >= before.parked_heaps + N_THREADS);
	EXPECT(after.live_blocks <= before.live_blocks + 10);
}

static void blocks_are_counted(void)
{
	struct tarn_stats before = stats_now();
	fill_all();
	struct tarn_stats full = stats_now();
	size_t asked = 0;
	for (size_t i = 0; i < N_SMALL; i++)
		asked += 16 + i % 3000;
	for (size_t i = 0; i < N_LARGE; i++)
		asked += i * 300000 + 70000;
	EXPECT(full.live_blocks == before.live_blocks + N_SMALL + N_LARGE);
	EXPECT(full.large_blocks == before.large_blocks + N_LARGE);
	/* What small blocks were asked for is estimated. */
	EXPECT(differs_by_less(full.live_bytes - before.live_bytes, asked,
			       asked / 50));
	statistics_add_up("full");
}

static void memory_goes_back(void)
{
	size_t before = process_resident_bytes();
	fill_all();
	statistics_add_up("full again");
	free_every(3);
	statistics_add_up("a third freed");
	malloc_trim(0);
	statistics_add_up("a third trimmed");
	free_every(1);
	statistics_add_up("empty");
	malloc_trim(0);
	statistics_add_up("trimmed");
	EXPECT(process_resident_bytes() < before + 4 * MIB);
	EXPECT(heap_check() > 0);
}

static void resizing_is_counted(void)
{
	char *block = malloc(MIB);
	for (size_t size = MIB; size < 200 * MIB; size *= 2) {
		block = realloc(block, size);
		memset(block, 1, size);
		statistics_add_up("grown");
	}
	block = realloc(block, 3 * MIB);
	statistics_add_up("shrunk");
	char *aligned = aligned_alloc(GIB, MIB);
	statistics_add_up("aligned");
	free(block);
	free(aligned);
	statistics_add_up("resized");
}

static void sizes_of_the_struct_differ(void)
{
	struct {
		struct tarn_stats stats;
		char more[64];
	} longer;
	struct tarn_stats shorter;
	memset(&longer, 0xff, sizeof(longer));
	memset(&shorter, 0xff, sizeof(shorter));
	EXPECT(stats_get(&longer.stats, sizeof(longer)) == 0);
	EXPECT(pattern_is_zero(longer.more, sizeof(longer.more)));
	EXPECT(stats_get(&shorter, sizeof(uint64_t)) == 0);
	EXPECT(shorter.live_bytes <= longer.stats.mapped_bytes);
	EXPECT(shorter.rounding_bytes == UINT64_MAX);
	errno = 0;
	EXPECT(stats_get(NULL, sizeof(shorter)) == -1 && errno == EINVAL);
	EXPECT(stats_get(&shorter, 0) == -1 && errno == EINVAL);
}

/* The number that stands after KEY in TEXT. */
static size_t value_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	return EXPECT(at != NULL) ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static void json_tells_the_same(void)
{
	static char text[16384];
	int memory = memfd_create("json", 0);
	struct tarn_stats stats = stats_now();
	EXPECT(stats_print(memory, TARN_JSON) == 0);
	EXPECT(pread(memory, text, sizeof(text) - 1, 0) > 100);
	EXPECT(text[0] == '{' && strcmp(strchr(text, '\n') - 1, "}\n") == 0);
	EXPECT(value_of(text, "\"mapped_bytes\":") == stats.mapped_bytes);
	EXPECT(value_of(text, "\"live_bytes\":") == stats.live_bytes);
	EXPECT(value_of(text, "\"metadata_bytes\":") == stats.metadata_bytes);
	EXPECT(value_of(text, "\"pid\":") == (size_t)getpid());
	EXPECT(strstr(text, "\"version\":\"0.1.0\"") != NULL);
	close(memory);
	errno = 0;
	EXPECT(stats_print(-1, TARN_JSON) == -1 && errno == EBADF);
	EXPECT(stats_print(1, (enum tarn_format)77) == -1 && errno == EINVAL);
}

int main(int argc, char **argv)
{
	(void)argc;
	expect_tarn();
	mappings_start(argv);
	*(void **)&stats_get = tarn_symbol("tarn_stats_get");
	*(void **)&stats_print = tarn_symbol("tarn_stats_print");
	*(void **)&heap_check = tarn_symbol("tarn_heap_check");
	statistics_add_up("at first");
	blocks_are_counted();
	free_every(1);
	threads_are_counted();
	malloc_trim(0);
	statistics_add_up("after malloc_trim");
	memory_goes_back();
	memory_goes_back();
	resizing_is_counted();
	sizes_of_the_struct_differ();
	json_tells_the_same();
	return expect_status();
}
