/*
 * hit_path SIZE: steps through one malloc(SIZE) and one free that hit, in a
 * child process, and prints `malloc OFFSET` and `free OFFSET` for each
 * instruction executed, in hex from where the library that defines them is
 * loaded.
 *
 * The child makes sure of a hit: it has just filled and part emptied its
 * magazine. It stops itself before each of the two calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, MAX_STEPS = 100000 };

static void fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void child(size_t size)
{
	enum { N_BLOCKS = 3 };
	void *volatile blocks[N_BLOCKS];
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(SKIPPED);
	for (int round = 0; round < N_BLOCKS; round++) {
		for (int i = 0; i < N_BLOCKS; i++)
			blocks[i] = malloc(size);
		for (int i = 0; i < N_BLOCKS; i++)
			free(blocks[i]);
	}
	void *volatile block;
	raise(SIGSTOP);
	block = malloc(size);
	raise(SIGSTOP);
	free(block);
	_exit(0);
}

static struct user_regs_struct registers_of(pid_t pid)
{
	struct user_regs_struct registers;
	if (ptrace(PTRACE_GETREGS, pid, NULL, &registers) != 0)
		fail("PTRACE_GETREGS");
	return registers;
}

/* Waits for the child to stop for SIGNAL. */
static void wait_for_stop(pid_t pid, int signal)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
		printf("no ptrace here\n");
		exit(SKIPPED);
	}
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != signal) {
		printf("the child ended, status %#x\n", status);
		exit(1);
	}
}

static void step(pid_t pid)
{
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0)
		fail("PTRACE_SINGLESTEP");
	wait_for_stop(pid, SIGTRAP);
}

/* Steps from where the child stands to ENTRY, then to its return. */
static void trace_call(pid_t pid, const char *name, uintptr_t entry)
{
	Dl_info library;
	if (dladdr((void *)entry, &library) == 0)
		fail("dladdr");
	uintptr_t base = (uintptr_t)library.dli_fbase;
	struct user_regs_struct registers = registers_of(pid);
	for (int i = 0; registers.rip != entry; i++) {
		if (i == MAX_STEPS) {
			printf("%s was not called\n", name);
			exit(1);
		}
		step(pid);
		registers = registers_of(pid);
	}
	errno = 0;
	uintptr_t back =
		(uintptr_t)ptrace(PTRACE_PEEKDATA, pid, registers.rsp, NULL);
	if (errno != 0)
		fail("PTRACE_PEEKDATA");
	for (int i = 0; registers.rip != back; i++) {
		if (i == MAX_STEPS) {
			printf("%s does not return\n", name);
			exit(1);
		}
		printf("%s %llx\n", name,
		       (unsigned long long)(registers.rip - base));
		step(pid);
		registers = registers_of(pid);
	}
}

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoul(argv[1], NULL, 10) : 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	pid_t pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		child(size);
	wait_for_stop(pid, SIGSTOP);
	trace_call(pid, "malloc", (uintptr_t)dlsym(RTLD_DEFAULT, "malloc"));
	if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0)
		fail("PTRACE_CONT");
	wait_for_stop(pid, SIGSTOP);
	trace_call(pid, "free", (uintptr_t)dlsym(RTLD_DEFAULT, "free"));
	ptrace(PTRACE_KILL, pid, NULL, NULL);
	return 0;
}
