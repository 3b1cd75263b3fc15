/*
 * late_load LIBRARY SCOPE KEYS: opens tarn's LIBRARY when the program has long
 * been running on the C library's malloc, and uses both. SCOPE is "local" or
 * "global"; with KEYS "none" all thread keys are taken before.
 */
#include "expect.h"

#include <pthread.h>
#include <stdint.h>

#include "family.h"
#include "pattern.h"
#include "process.h"

enum { N_THREADS = 4, N_BLOCKS = 200, N_ROUNDS = 50 };

static struct family tarn;
static size_t (*heap_check)(void);
static pthread_barrier_t is_loaded;

static void *use_both(void *argument)
{
	size_t tag = (uintptr_t)argument;
	char *theirs[N_BLOCKS], *ours[N_BLOCKS];
	uint64_t seed = tag;
	for (int i = 0; i < N_BLOCKS; i++) {
		size_t size = (size_t)1 << pattern_random(&seed) % 18;
		theirs[i] = malloc(size);
		ours[i] = tarn.realloc(tarn.calloc(1, size), size + 1);
		if (EXPECT(ours[i] != NULL))
			pattern_fill(ours[i], size, tag);
		memset(theirs[i], 1, size);
	}
	seed = tag;
	for (int i = 0; i < N_BLOCKS; i++) {
		size_t size = (size_t)1 << pattern_random(&seed) % 18;
		EXPECT(pattern_holds(ours[i], size, tag));
		tarn.free(ours[i]);
		free(theirs[i]);
	}
	return NULL;
}

static void *start_before(void *argument)
{
	pthread_barrier_wait(&is_loaded);
	return use_both(argument);
}

static void threads_come_and_go(void)
{
	pthread_t threads[N_THREADS];
	for (int round = 0; round < N_ROUNDS; round++) {
		for (uintptr_t i = 0; i < N_THREADS; i++)
			pthread_create(&threads[i], NULL, use_both, (void *)i);
		for (int i = 0; i < N_THREADS; i++)
			pthread_join(threads[i], NULL);
	}
}

static void a_child_can_go_on(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		expect_anew();
		threads_come_and_go();
		heap_check();
		_exit(expect_status());
	}
	EXPECT(process_succeeds(pid));
}

static void load(const char *library, int flags)
{
	void *handle = dlopen(library, RTLD_NOW | flags);
	if (handle == NULL) {
		dprintf(STDOUT_FILENO, "%s\n", dlerror());
		exit(1);
	}
	tarn = family_in(handle, "tarn_");
	*(void **)&heap_check = dlsym(handle, "tarn_heap_check");
	EXPECT(dlsym(RTLD_DEFAULT, "malloc") != dlsym(handle, "malloc"));
}

int main(int argc, char **argv)
{
	pthread_t threads[N_THREADS];
	pthread_key_t key;
	if (!EXPECT(argc == 4 && dlsym(RTLD_DEFAULT, "tarn_malloc") == NULL))
		return expect_status();
	pthread_barrier_init(&is_loaded, NULL, N_THREADS + 1);
	for (uintptr_t i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, start_before, (void *)i);
	if (strcmp(argv[3], "none") == 0)
		while (pthread_key_create(&key, NULL) == 0)
			continue;
	load(argv[1],
	     strcmp(argv[2], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL);
	pthread_barrier_wait(&is_loaded);
	use_both(NULL);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	threads_come_and_go();
	a_child_can_go_on();
	heap_check();
	/* Nothing is unloaded while there are blocks. */
	char *block = tarn.malloc(100);
	dlclose(dlopen(argv[1], RTLD_NOW));
	dlclose(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD));
	memset(block, 1, 100);
	tarn.free(block);
	return expect_status();
}
