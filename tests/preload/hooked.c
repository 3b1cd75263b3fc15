/*
 * hooked: a program that registers the pages of its blocks with hooked_hook.c,
 * frees and moves them in threads, and checks meanwhile that each page that has
 * gone was seen to go: what is not in memory is not registered any more.
 */
#include "expect.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#define WORKERS 2
#define BLOCKS 300
#define ROUNDS 16
#define CALLS_A_ROUND 1000
#define PAGE_BYTES 4096
#define CHECKED_PAGES 512
/* A bound on what hangs. */
#define ENDS_AFTER_S 240

/* Of the hook. */
extern unsigned long hook_unmapped, hook_advised, hook_moved;
void hook_start(const void *near);
void hook_register(const char *block, size_t bytes, uint32_t number);
uint32_t hook_number(uintptr_t address);
void hook_allocate(void);

/* Atomic, relaxed. */
static bool is_done;
static uint32_t n_registered;
/* Atomic, relaxed: where blocks were: looked at by who checks. */
#define PLACES 4096
static uintptr_t places[PLACES];

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Writes all of the block, and registers the pages that are its alone. */
static void use(char *block, size_t bytes)
{
	uint32_t number =
		1 + __atomic_fetch_add(&n_registered, 1, __ATOMIC_RELAXED);
	uintptr_t start = ((uintptr_t)block + PAGE_BYTES - 1) & -PAGE_BYTES;
	uintptr_t end = ((uintptr_t)block + bytes) & -PAGE_BYTES;
	memset(block, 1, bytes);
	if (start >= end)
		return;
	hook_register((char *)start, end - start, number);
	__atomic_store_n(&places[number % PLACES], start, __ATOMIC_RELAXED);
}

static size_t random_size(uint32_t *seed)
{
	uint32_t kind = next_random(seed) % 64;
	size_t most = kind == 0 ? 4 << 20 : kind < 16 ? 400000 : 9000;
	return next_random(seed) % most + 1;
}

static void *work(void *number)
{
	char *blocks[BLOCKS] = {NULL};
	uint32_t seed = *(uint32_t *)number;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CALLS_A_ROUND; i++) {
			char **block = &blocks[next_random(&seed) % BLOCKS];
			size_t bytes = random_size(&seed);
			if (next_random(&seed) % 2 == 0) {
				free(*block);
				*block = malloc(bytes);
			} else {
				*block = realloc(*block, bytes);
			}
			use(*block, bytes);
		}
		for (int i = 0; round % 4 == 3 && i < BLOCKS; i++) {
			free(blocks[i]);
			blocks[i] = NULL;
		}
		malloc_trim(0);
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	return NULL;
}

static void *allocate(void *unused)
{
	while (!__atomic_load_n(&is_done, __ATOMIC_RELAXED))
		hook_allocate();
	return unused;
}

/* A page that is registered before and after it was found not to be there has
 * gone unseen: registering comes after writing it. */
static void check(int pagemap, uintptr_t at)
{
	static uint64_t entries[CHECKED_PAGES];
	static uint32_t before[CHECKED_PAGES];
	for (size_t i = 0; i < CHECKED_PAGES; i++)
		before[i] = hook_number(at + i * PAGE_BYTES);
	if (pread(pagemap, entries, sizeof(entries),
		  (off_t)(at / PAGE_BYTES * sizeof(*entries))) !=
	    sizeof(entries))
		return;
	for (size_t i = 0; i < CHECKED_PAGES; i++)
		if (before[i] != 0 && entries[i] >> 62 == 0)
			EXPECT(hook_number(at + i * PAGE_BYTES) != before[i]);
}

static void *look(void *unused)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	while (!__atomic_load_n(&is_done, __ATOMIC_RELAXED))
		for (size_t i = 0; i < PLACES; i++) {
			uintptr_t at =
				__atomic_load_n(&places[i], __ATOMIC_RELAXED);
			if (at != 0)
				check(pagemap, at);
		}
	close(pagemap);
	return unused;
}

int main(void)
{
	static uint32_t seeds[WORKERS] = {1, 2};
	pthread_t workers[WORKERS], others[2];
	char *large = malloc(8 << 20);
	expect_tarn();
	alarm(ENDS_AFTER_S);
	hook_start(large);
	use(large, 8 << 20);
	pthread_create(&others[0], NULL, allocate, NULL);
	pthread_create(&others[1], NULL, look, NULL);
	for (int i = 0; i < WORKERS; i++)
		pthread_create(&workers[i], NULL, work, &seeds[i]);
	/* So large that it is moved by mremap. */
	for (size_t mib = 9; mib < 40; mib++) {
		large = realloc(large, mib << 20);
		use(large, mib << 20);
	}
	for (int i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	__atomic_store_n(&is_done, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		pthread_join(others[i], NULL);
	free(large);
	EXPECT(hook_advised + hook_unmapped > 0);
	EXPECT(hook_moved > 0);
	dprintf(STDOUT_FILENO, "unmapped %lu, purged %lu, moved %lu\n",
		hook_unmapped, hook_advised, hook_moved);
	return expect_status();
}
