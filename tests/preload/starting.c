/*
 * starting: what tarn calls when it starts allocates, and is interrupted by a
 * handler that allocates. Neither waits for the start to end.
 *
 * The program stands before libc, so that tarn's pthread_key_create is the one
 * here; other preloaded libraries stand there too.
 */
#include "expect.h"

#include <pthread.h>
#include <signal.h>

#include "pattern.h"

enum { N_BLOCKS = 40, HANGS_S = 300 };

static char *blocks[2][N_BLOCKS];
static volatile sig_atomic_t n_handled;
static int n_created;

static size_t size_of(int i)
{
	return (size_t)1 << i / 2;
}

static void fill(int where)
{
	for (int i = 0; i < N_BLOCKS; i++) {
		char *block =
			i % 2 ? malloc(size_of(i)) : calloc(1, size_of(i));
		free(malloc(size_of(i)));
		block = realloc(block, size_of(i) + 1);
		if (block != NULL)
			pattern_fill(block, size_of(i), (size_t)where);
		blocks[where][i] = block;
	}
}

static void handle(int signal)
{
	(void)signal;
	if (n_handled++ == 0)
		fill(0);
}

__attribute__((visibility("default"))) int
pthread_key_create(pthread_key_t *key, void (*destroy)(void *value))
{
	struct sigaction action = {.sa_handler = handle}, before;
	int (*real)(pthread_key_t *, void (*)(void *));
	/* What hangs is killed. */
	alarm(HANGS_S);
	if (n_created++ == 0) {
		sigaction(SIGUSR1, &action, &before);
		raise(SIGUSR1);
		sigaction(SIGUSR1, &before, NULL);
		fill(1);
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_key_create");
	return real(key, destroy);
}

int main(void)
{
	expect_tarn();
	free(malloc(1));
	EXPECT(n_created == 1 && n_handled == 1);
	for (int where = 0; where < 2; where++)
		for (int i = 0; i < N_BLOCKS; i++) {
			char *block = blocks[where][i];
			if (!EXPECT(block != NULL))
				continue;
			EXPECT(pattern_holds(block, size_of(i), (size_t)where));
			free(block);
		}
	return expect_status();
}
