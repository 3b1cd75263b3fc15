/*
 * serve: a process to be looked at from outside. It says "ready" and goes on
 * until it is killed, or its standard input ends.
 *
 *	serve idle    known amounts of everything, and nothing changes
 *	serve grow    8 MiB a second more, all of it live
 *	serve churn   four threads allocate and free as fast as they can
 *	serve wait    nothing
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define N_BLOCKS 20000
#define BLOCK_BYTES 1000
#define KEPT 2000

static void *volatile kept[N_BLOCKS + 1];
static char in_bss[4 * MIB];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void map(size_t bytes, int flags, int fd)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (at == MAP_FAILED)
		fail("mmap");
	memset(at, 1, bytes);
}

static void wait_for_end(void)
{
	char byte;
	while (read(STDIN_FILENO, &byte, 1) != 0)
		;
	exit(0);
}

static void *use_stack(void *argument)
{
	volatile char room[512 << 10];
	memset((char *)room, 1, sizeof(room));
	kept[0] = (void *)&room[0];
	write(*(int *)argument, "", 1);
	for (;;)
		pause();
	return NULL;
}

static void start_threads(int n, void *(*run)(void *))
{
	int pipes[2];
	char byte;
	if (pipe(pipes) != 0)
		fail("pipe");
	for (int i = 0; i < n; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, run, &pipes[1]) != 0)
			fail("pthread_create");
		if (read(pipes[0], &byte, 1) != 1)
			fail("read");
	}
}

static void idle(void)
{
	int fd = open("serve.mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, 1 * MIB) != 0)
		fail("serve.mapped");
	for (int i = 1; i <= N_BLOCKS; i++) {
		kept[i] = malloc(BLOCK_BYTES);
		memset(kept[i], 1, BLOCK_BYTES);
	}
	/* Every second one is between live ones, and free. */
	for (int i = 1; i <= N_BLOCKS; i += 2)
		free(kept[i]);
	kept[1] = malloc(32 * MIB); /* never touched */
	memset(in_bss, 1, sizeof(in_bss));
	map(1 * MIB, MAP_SHARED, fd);
	map(2 * MIB, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	map(3 * MIB, MAP_SHARED | MAP_ANONYMOUS, -1);
	start_threads(2, use_stack);
}

static void grow(void)
{
	for (size_t i = 0; i < 4096; i++) {
		char *block = malloc(MIB / 8);
		memset(block, 1, MIB / 8);
		kept[i] = block;
		usleep(1000000 / 64);
	}
}

static void *churn(void *argument)
{
	void **own = calloc(KEPT, sizeof(*own));
	uint64_t random = (uint64_t)(uintptr_t)own;
	write(*(int *)argument, "", 1);
	for (;;) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		size_t at = (random >> 33) % KEPT;
		free(own[at]);
		own[at] = malloc(16 + (random >> 40) % 4000);
		memset(own[at], 1, 16);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "idle";
	pthread_t thread;
	if (strcmp(what, "idle") == 0)
		idle();
	if (strcmp(what, "churn") == 0)
		start_threads(4, churn);
	puts("ready");
	fflush(stdout);
	if (strcmp(what, "grow") == 0 &&
	    pthread_create(&thread, NULL, (void *(*)(void *))grow, NULL) != 0)
		fail("pthread_create");
	wait_for_end();
}
