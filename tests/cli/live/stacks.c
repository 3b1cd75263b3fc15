/*
 * stacks: blocks that only one place of one thread holds. For each name of a
 * place that it reads, it says the address of the block and the id of the
 * thread, and "end" behind the last.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define STACK_BYTES (256 * 1024)

enum place { MAIN, MAIN_DATA, DATA, RED_ZONE, HANDLER, UNDER_IT, LOW, HIGH, N };

static const char *const names[N] = {
	"main",	   "main-data", "data", "red-zone",
	"handler", "under-it",	"low",	"high",
};

/* Turned round, so that no pointer is here. */
static struct {
	volatile unsigned long inverse;
	volatile long thread;
} places[N];

static __thread void *volatile data;

/* Each is a block of its own kind, for what is left of it on the stack. */
static NOINLINE void make(enum place place)
{
	places[place].inverse = ~(unsigned long)malloc(1000 + 200 * place);
	places[place].thread = syscall(SYS_gettid);
}

static NOINLINE void wipe(void)
{
	volatile char room[8192];
	memset((char *)room, 0, sizeof(room));
}

static void rest(void)
{
	for (;;)
		pause();
}

/* Holds the block of PLACE in this frame. */
static NOINLINE void hold(enum place place)
{
	volatile unsigned long held;
	make(place);
	wipe();
	held = ~places[place].inverse;
	rest();
	held = 0;
	(void)held;
}

static void *hold_in_frame(void *place)
{
	hold(*(enum place *)place);
	return NULL;
}

static void *hold_in_data(void *unused)
{
	make(DATA);
	wipe();
	data = (void *)~places[DATA].inverse;
	rest();
	return unused;
}

/* In a leaf function, which does not move the stack pointer for it. */
static void *hold_in_red_zone(void *unused)
{
	make(RED_ZONE);
	wipe();
#if defined(__x86_64__)
	__asm__ volatile("notq %%rax\n\t"
			 "movq %%rax, -64(%%rsp)\n\t"
			 "xorl %%eax, %%eax\n"
			 "1:\tpause\n\t"
			 "jmp 1b"
			 :
			 : "a"(places[RED_ZONE].inverse)
			 : "memory");
#else
	hold(RED_ZONE);
#endif
	return unused;
}

static void handle(int signal)
{
	(void)signal;
	hold(HANDLER);
}

static void *hold_in_handler(void *unused)
{
	volatile unsigned long held;
	stack_t stack = {.ss_size = STACK_BYTES};
	stack.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&stack, NULL);
	make(UNDER_IT);
	wipe();
	held = ~places[UNDER_IT].inverse;
	raise(SIGUSR1);
	held = 0;
	(void)held;
	return unused;
}

/* Their stacks are one mapping. */
static void start_neighbours(void)
{
	static enum place both[] = {LOW, HIGH};
	char *stacks =
		mmap(NULL, (size_t)2 * STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		pthread_attr_t attr;
		pthread_attr_init(&attr);
		pthread_attr_setstack(&attr, stacks + (size_t)i * STACK_BYTES,
				      STACK_BYTES);
		pthread_create(&thread, &attr, hold_in_frame, &both[i]);
	}
}

static NOINLINE void start(void)
{
	pthread_t thread;
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_ONSTACK};
	sigaction(SIGUSR1, &action, NULL);
	pthread_create(&thread, NULL, hold_in_data, NULL);
	pthread_create(&thread, NULL, hold_in_red_zone, NULL);
	pthread_create(&thread, NULL, hold_in_handler, NULL);
	start_neighbours();
	make(MAIN);
	make(MAIN_DATA);
	data = (void *)~places[MAIN_DATA].inverse;
	for (int i = 0; i < N; i++)
		while (places[i].thread == 0)
			usleep(1000);
	usleep(100000);
}

int main(void)
{
	volatile unsigned long held;
	char line[100];
	setvbuf(stdout, NULL, _IOLBF, 0);
	start();
	wipe();
	held = ~places[MAIN].inverse;
	puts("started");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < N; i++)
			if (strcmp(names[i], line) == 0)
				printf("%#lx %ld\n", ~places[i].inverse,
				       places[i].thread);
	}
	held = 0;
	(void)held;
	return 0;
}
