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

#include "ladder.h"

enum { HANGS_S = 300 };

static struct ladder ladders[2];
static volatile sig_atomic_t n_handled;
static int n_created;

static void handle(int signal)
{
	(void)signal;
	if (n_handled++ == 0)
		ladder_fill(&ladders[0], 0);
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
		ladder_fill(&ladders[1], 1);
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_key_create");
	return real(key, destroy);
}

int main(void)
{
	expect_tarn();
	free(malloc(1));
	EXPECT(n_created == 1 && n_handled == 1);
	ladder_free(&ladders[0], 0);
	ladder_free(&ladders[1], 1);
	return expect_status();
}
