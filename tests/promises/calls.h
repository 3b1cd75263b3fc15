/*
 * calls: how many system calls of each kind the main thread makes while it
 * wants them counted.
 *
 * calls_start() goes on in a child, whose calls the parent counts by ptrace,
 * and whose status it returns. What both share says whether to count: it costs
 * no call to begin or to end. Nothing here allocates.
 */
#ifndef TARN_TESTS_CALLS_H
#define TARN_TESTS_CALLS_H

#include "../preload/expect.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { CALLS_NUMBERS = 512, CALLS_STOP = SIGTRAP | 0x80 };

/* Atomic, relaxed: who counts stops who is counted before it looks. */
struct calls {
	int is_counting;
	unsigned n;
	unsigned of[CALLS_NUMBERS];
};

static struct calls *calls;

static inline void calls_begin(void)
{
	memset(calls, 0, sizeof(*calls));
	__atomic_store_n(&calls->is_counting, 1, __ATOMIC_SEQ_CST);
}

static inline void calls_end(void)
{
	__atomic_store_n(&calls->is_counting, 0, __ATOMIC_SEQ_CST);
}

static inline unsigned calls_of(long number)
{
	return calls->of[number];
}

static inline unsigned calls_of_madvise(void)
{
	unsigned n = calls_of(SYS_madvise);
#ifdef SYS_process_madvise
	n += calls_of(SYS_process_madvise);
#endif
	return n;
}

static inline void calls_note(pid_t pid)
{
	struct __ptrace_syscall_info info;
	if (!calls->is_counting)
		return;
	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		_exit(EXPECT_SKIPPED);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY ||
	    info.entry.nr >= CALLS_NUMBERS)
		return;
	calls->n++;
	calls->of[info.entry.nr]++;
}

/* Follows the child to its end, and returns what it returned. */
static inline int calls_follow(pid_t pid)
{
	int status, signal = 0;
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		signal = WSTOPSIG(status);
		if (signal == CALLS_STOP)
			calls_note(pid);
		if (signal == CALLS_STOP || signal == SIGSTOP)
			signal = 0;
		ptrace(PTRACE_SETOPTIONS, pid, 0,
		       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
		ptrace(PTRACE_SYSCALL, pid, 0, (long)signal);
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	dprintf(STDOUT_FILENO, "died of signal %d\n", WTERMSIG(status));
	return 1;
}

static inline void calls_start(void)
{
	calls = (struct calls *)mmap(NULL, sizeof(*calls),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = calls == MAP_FAILED ? -1 : fork();
	if (pid < 0)
		expect_skip("no memory to share, or no child");
	if (pid > 0)
		_exit(calls_follow(pid));
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		expect_skip("no ptrace here");
	raise(SIGSTOP);
}

#endif
