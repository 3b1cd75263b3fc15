/*
 * threads: a program that does at once whatever threads do, to be traced while
 * it does.
 *
 *	threads held	nothing of what it allocates is ever lost
 *	threads leaky	the same, but for N_LOST blocks, N_CYCLES cycles of 3
 *			and a block that points to itself
 *	threads calls	threads wait in every system call that may block
 *
 * It says "ready" and goes on until SIGTERM. What it kept it has checked then;
 * of `calls` it prints which ended with EINTR.
 */
#define _GNU_SOURCE
#include "threads.h"

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define N_LOST 100
#define N_CYCLES 20
#define LIST_LENGTH 200
#define TABLE_LENGTH 512
#define STACK_BYTES ((size_t)64 << 10)

void fail(const char *what)
{
	fprintf(stderr, "threads: %s\n", what);
	_exit(1);
}

void start_thread(void *(*body)(void *argument), void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, body, argument) != 0)
		fail("a thread cannot be started");
	pthread_detach(thread);
}

static void nap(long us)
{
	struct timespec time = {0, us * 1000};
	nanosleep(&time, NULL);
}

/* --- blocks that are held ------------------------------------------------- */

/* Words of the pattern, which are no addresses. */
struct block {
	size_t n;
	uint32_t word[];
};

void *new_block(size_t bytes)
{
	struct block *block = malloc(sizeof(*block) + bytes);
	if (!block)
		fail("no memory");
	block->n = bytes / sizeof(block->word[0]);
	for (size_t i = 0; i < block->n; i++)
		block->word[i] = (uint32_t)(i ^ block->n);
	return block;
}

void check_block(const void *at)
{
	const struct block *block = at;
	for (size_t i = 0; i < block->n; i++)
		if (block->word[i] != (uint32_t)(i ^ block->n))
			fail("a block has changed");
}

struct node {
	struct node *next;
	struct block *block;
};

static struct node *push(struct node *list, size_t bytes)
{
	struct node *node = malloc(sizeof(*node));
	if (!node)
		fail("no memory");
	node->block = new_block(bytes);
	node->next = list;
	return node;
}

static struct node *pop(struct node *list)
{
	struct node *next = list->next;
	check_block(list->block);
	free(list->block);
	free(list);
	return next;
}

/* --- what threads do ----------------------------------------------------- */

/* A list that only this frame holds. */
static void *build_lists(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;
	for (;;) {
		struct node *list = NULL;
		for (int i = 0; i < LIST_LENGTH; i++)
			list = push(list, (size_t)rand_r(&seed) % 2000);
		while (list)
			list = pop(list);
	}
	return NULL;
}

/* Blocks that are handed over: another thread frees them. */
static void *_Atomic table[TABLE_LENGTH];

static void *hand_over(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;
	for (;;) {
		size_t i = (size_t)rand_r(&seed) % TABLE_LENGTH;
		void *mine = new_block((size_t)rand_r(&seed) % 40000);
		void *other = atomic_exchange(&table[i], mine);
		if (other)
			check_block(other);
		free(other);
	}
	return NULL;
}

/* TLS alone holds it. */
static _Thread_local struct block *in_tls;

static void *live_shortly(void *argument)
{
	in_tls = new_block(100);
	struct node *list = push(NULL, (size_t)(uintptr_t)argument);
	nap(200);
	check_block(in_tls);
	free(in_tls);
	in_tls = NULL;
	while (list)
		list = pop(list);
	return new_block(16);
}

/* What a thread returns is held by its descriptor. */
static void *start_threads(void *argument)
{
	for (uintptr_t i = 0;; i++) {
		pthread_t thread[4];
		for (int k = 0; k < 4; k++)
			if (pthread_create(&thread[k], NULL, live_shortly,
					   (void *)(i % 3000)) != 0)
				fail("a thread cannot be started");
		for (int k = 0; k < 4; k++) {
			void *block;
			pthread_join(thread[k], &block);
			free(block);
		}
	}
	return argument;
}

static void *fork_children(void *argument)
{
	static char name[] = "true";
	char *const child[] = {name, NULL};
	struct node *list = push(NULL, 500);
	for (int i = 0;; i++) {
		int status = 0;
		pid_t id;
		if (i % 2 == 0 && (id = fork()) == 0) {
			list = pop(push(list, 1000));
			_exit(0);
		}
		if (i % 2 != 0 &&
		    posix_spawnp(&id, "true", NULL, NULL, child, environ) != 0)
			fail("no child");
		if (waitpid(id, &status, 0) != id || status != 0)
			fail("a child failed");
		nap(2000);
	}
	return argument;
}

static void *load_libraries(void *argument)
{
	static const char *const names[] = {"libanl.so.1", "libthread_db.so.1",
					    "libBrokenLocale.so.1",
					    "libutil.so.1"};
	for (int i = 0;; i++) {
		void *library = dlopen(names[i % 4], RTLD_NOW);
		nap(100);
		if (library)
			dlclose(library);
	}
	return argument;
}

static void dive(jmp_buf *up, int depth, struct node *volatile *kept)
{
	*kept = push(*kept, 64);
	if (depth > 0)
		dive(up, depth - 1, kept);
	if (depth == 0)
		longjmp(*up, 1);
}

static void *jump(void *argument)
{
	for (;;) {
		struct node *volatile kept = NULL;
		jmp_buf up;
		if (setjmp(up) == 0)
			dive(&up, 20, &kept);
		while (kept)
			kept = pop(kept);
	}
	return argument;
}

/* Coroutines: what they hold stands on a stack that no thread is on. */
struct routine {
	ucontext_t own, caller;
	char *stack;
};

static void run_routine(unsigned high, unsigned low)
{
	struct routine *routine =
		(void *)((uintptr_t)high << 32 | (uintptr_t)low);
	struct node *list = NULL;
	for (;;) {
		for (int i = 0; i < 10; i++)
			list = push(list, 300);
		swapcontext(&routine->own, &routine->caller);
		while (list)
			list = pop(list);
	}
}

static void make_routine(struct routine *routine, bool is_mapped)
{
	uintptr_t at = (uintptr_t)routine;
	routine->stack =
		is_mapped ? mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
			  : malloc(STACK_BYTES);
	getcontext(&routine->own);
	routine->own.uc_stack.ss_sp = routine->stack;
	routine->own.uc_stack.ss_size = STACK_BYTES;
	makecontext(&routine->own, (void (*)(void))run_routine, 2,
		    (unsigned)(at >> 32), (unsigned)at);
}

#define N_ROUTINES 16

static void *swap(void *argument)
{
	struct routine *all = calloc(N_ROUTINES, sizeof(*all));
	for (int i = 0; i < N_ROUTINES; i++)
		make_routine(&all[i], i % 2 == 0);
	for (int i = 0;; i = (i + 1) % N_ROUTINES)
		swapcontext(&all[i].caller, &all[i].own);
	return argument;
}

static void start_all(void)
{
	start_thread(build_lists, (void *)1);
	start_thread(build_lists, (void *)2);
	start_thread(hand_over, (void *)3);
	start_thread(hand_over, (void *)4);
	start_thread(start_threads, NULL);
	start_thread(fork_children, NULL);
	start_thread(load_libraries, NULL);
	start_thread(jump, NULL);
	start_thread(swap, NULL);
}

/* --- what is lost ----------------------------------------------------- */

struct ring {
	struct ring *next;
	char text[40];
};

static struct ring *new_ring(int n)
{
	struct ring *first = calloc(1, sizeof(*first)), *last = first;
	for (int i = 1; i < n; i++) {
		last->next = calloc(1, sizeof(*last));
		last = last->next;
	}
	last->next = first;
	return first;
}

/* In a thread that ends: nothing stays in a frame. */
static void *leak(void *argument)
{
	void *volatile forgotten;
	for (int i = 0; i < N_LOST; i++)
		forgotten = calloc(1, 72);
	for (int i = 0; i < N_CYCLES; i++)
		forgotten = new_ring(3);
	forgotten = new_ring(1);
	forgotten = NULL;
	(void)forgotten;
	return argument;
}

/* The thread's magazines and stack are reused by others. */
static void leak_all(void)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, leak, NULL) != 0)
		fail("a thread cannot be started");
	pthread_join(thread, NULL);
}

int main(int n, char **arguments)
{
	const char *mode = n == 2 ? arguments[1] : "";
	sigset_t set;
	int signal_number;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (strcmp(mode, "leaky") == 0)
		leak_all();
	else if (strcmp(mode, "held") != 0 && strcmp(mode, "calls") != 0)
		fail("held, leaky or calls?");
	if (strcmp(mode, "calls") != 0)
		start_all();
	calls_start();
	printf("ready: %d lost\n", N_LOST + 3 * N_CYCLES + 1);
	fflush(stdout);
	sigwait(&set, &signal_number);
	calls_print();
	fflush(stdout);
	_exit(0);
}
