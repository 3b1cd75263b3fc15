/*
 * play: what its arguments say, in their order: leaks of known size, ways to
 * end, children. Started by the scripts of tests/cli.
 *
 * Blocks of 1000 bytes are lost, rings are two of 40; all else is freed or
 * kept.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

struct link {
	struct link *volatile next; /* the compiler must not drop it */
	char room[32];
};

static volatile sig_atomic_t got;
static char *volatile kept_inside;

static void note_signal(int signal_number)
{
	got = signal_number;
}

/* What earlier calls left on the stack goes. */
static NOINLINE void wipe_stack(void)
{
	volatile char room[8192];
	memset((char *)room, 0, sizeof(room));
}

static NOINLINE void lose_block(void)
{
	char *volatile block = malloc(1000);
	memset(block, 1, 1000);
	block = NULL;
}

static NOINLINE void lose_ring(void)
{
	struct link *one = calloc(1, sizeof(*one));
	struct link *other = calloc(1, sizeof(*other));
	one->next = other;
	other->next = one;
}

/* Held by a pointer to its inside alone. */
static NOINLINE void hide_block(void)
{
	char *block = malloc(500);
	kept_inside = block + 200;
}

static void say(const char *text)
{
	puts(text);
	fflush(stdout);
}

static void wait_for_signal(void)
{
	say("ready");
	while (!got)
		usleep(1000);
	printf("got %d\n", (int)got);
	exit(40 + got);
}

/* Once the first thread is but a zombie. */
static void *end_by_thread(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	usleep(20000);
	exit(14);
}

static void start_thread_that_ends(void)
{
	static pthread_t first;
	pthread_t thread;
	first = pthread_self();
	pthread_create(&thread, NULL, end_by_thread, &first);
	pthread_exit(NULL);
}

static void wait_for_children(void)
{
	while (wait(NULL) > 0)
		;
}

/* The child goes on with the arguments that follow, the parent ends at once. */
static void leave_child(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0)
			return;
		usleep(100000); /* the child has begun */
		_exit(0);
	}
	wait_for_children();
	exit(0);
}

/* A child that does what follows; the parent waits for it, and ends with 7. */
static void play_in_child(void)
{
	if (fork() == 0)
		return;
	wait_for_children();
	exit(7);
}

static void spawn(char **argv)
{
	if (vfork() == 0) {
		execvp(argv[0], argv);
		_exit(1);
	}
	wait_for_children();
	exit(7);
}

static void end(const char *way)
{
	if (strcmp(way, "exit") == 0)
		exit(3);
	if (strcmp(way, "_exit") == 0)
		_exit(4);
	if (strcmp(way, "_Exit") == 0)
		_Exit(5);
	if (strcmp(way, "quick_exit") == 0)
		quick_exit(6);
	if (strcmp(way, "exit_group") == 0)
		syscall(SYS_exit_group, 8);
	if (strcmp(way, "pthread_exit") == 0)
		pthread_exit(NULL);
	if (strcmp(way, "thread_exit") == 0)
		start_thread_that_ends();
	if (strcmp(way, "abort") == 0)
		abort();
	if (strcmp(way, "wild") == 0)
		*(volatile int *)16 = 1;
}

int main(int argc, char **argv)
{
	(void)argc;
	while (*++argv) {
		if (strcmp(*argv, "lose") == 0)
			lose_block();
		else if (strcmp(*argv, "ring") == 0)
			lose_ring();
		else if (strcmp(*argv, "hide") == 0)
			hide_block();
		else if (strcmp(*argv, "handle") == 0)
			signal(atoi(*++argv), note_signal);
		else if (strcmp(*argv, "raise") == 0)
			raise(atoi(*++argv));
		else if (strcmp(*argv, "wait") == 0)
			wait_for_signal();
		else if (strcmp(*argv, "sleep") == 0)
			sleep(1);
		else if (strcmp(*argv, "status") == 0)
			exit(atoi(*++argv));
		else if (strcmp(*argv, "say") == 0)
			say(*++argv);
		else if (strcmp(*argv, "show") == 0)
			say(getenv(*++argv) ? getenv(*argv) : "(none)");
		else if (strcmp(*argv, "child") == 0)
			play_in_child();
		else if (strcmp(*argv, "leave") == 0)
			leave_child();
		else if (strcmp(*argv, "exec") == 0)
			execvp(argv[1], argv + 1);
		else if (strcmp(*argv, "spawn") == 0)
			spawn(argv + 1);
		else
			end(*argv);
		wipe_stack();
	}
	return 0;
}
