/*
 * automatic: a program that knows nothing of tarn, with traces by the options
 * alone, in whatever call of malloc or free they start: of threads with the
 * smallest stacks, on an alternate stack, before exec in a child of vfork, in
 * children that fork, while others come and go.
 *
 * usage: automatic [leak]: it keeps all it has, or loses a ring now and then.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 40
#define NODES 4000

struct node {
	struct node *next;
	char text[56];
};

static int is_leaking;
static struct node *shared;

static struct node *make_list(int n)
{
	struct node *list = NULL;
	for (int i = 0; i < n; i++) {
		struct node *node = malloc(sizeof(*node));
		if (node == NULL)
			abort();
		node->next = list;
		list = node;
	}
	return list;
}

static void free_list(struct node *list)
{
	while (list != NULL) {
		struct node *next = list->next;
		free(list);
		list = next;
	}
}

static __attribute__((noinline)) void lose(void)
{
	struct node *ring = make_list(3);
	ring->next->next->next = ring;
}

static void *work(void *argument)
{
	struct node *list = make_list(NODES);
	if (is_leaking)
		lose();
	free_list(list);
	return argument;
}

static void handle(int signal_number)
{
	(void)signal_number;
	free_list(make_list(NODES));
}

static void run_small_threads(void)
{
	pthread_t threads[3];
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], &attributes, work, NULL) != 0)
			abort();
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attributes);
}

static void run_on_alternate_stack(void)
{
	static char stack[16384];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = handle,
				   .sa_flags = SA_ONSTACK};
	sigaltstack(&alternate, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

static void run_children(void)
{
	int status;
	pid_t child = vfork();
	if (child == 0) {
		free_list(make_list(NODES));
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		abort();
	child = fork();
	if (child == 0) {
		struct node *own = make_list(NODES);
		run_small_threads();
		free_list(own);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status != 0)
		abort();
}

int main(int argc, char **argv)
{
	is_leaking = argc > 1 && strcmp(argv[1], "leak") == 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct node *more = make_list(NODES);
		more[0].text[0] = 1;
		struct node *end = more;
		while (end->next != NULL)
			end = end->next;
		end->next = shared;
		shared = more;
		run_small_threads();
		run_on_alternate_stack();
		if (i % 8 == 0)
			run_children();
	}
	puts("done");
	free_list(shared);
	return 0;
}
