/*
 * live_unblock: by PTRACE_SETSIGMASK. Should this command die in the middle,
 * the kernel lets the thread go; at worst one signal of SIGURG is pending.
 */
#include "cli/live_unblock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#define PATIENCE_MS 200

#ifndef PTRACE_EVENT_STOP
#define PTRACE_EVENT_STOP 128
#endif

/* Signals that come first are delivered: they are not ours. */
static bool wait_for_stop(pid_t pid)
{
	struct timespec nap = {0, 1000000};
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		int status;
		pid_t got = waitpid(pid, &status, __WALL | WNOHANG);
		if (got == 0 || (got < 0 && errno == EINTR))
			nanosleep(&nap, NULL);
		else if (got < 0 || !WIFSTOPPED(status))
			return false;
		else if (status >> 16 == PTRACE_EVENT_STOP)
			return true;
		else
			ptrace(PTRACE_CONT, pid, NULL,
			       (void *)(intptr_t)WSTOPSIG(status));
	}
	return false;
}

static void *mask_bytes(void)
{
	return (void *)(intptr_t)sizeof(uint64_t);
}

static bool unblock_and_send(pid_t pid, int signal_number,
			     bool (*send)(void *context), void *context)
{
	uint64_t mask, bit = UINT64_C(1) << (signal_number - 1);
	/* It may be free to take the signal by now; then it must not be made to
	 * block it afterwards. */
	if (ptrace(PTRACE_GETSIGMASK, pid, mask_bytes(), &mask) != 0 ||
	    (mask & bit) == 0)
		return false;
	/* First the signal, which waits. */
	if (!send(context))
		return false;
	mask &= ~bit;
	return ptrace(PTRACE_SETSIGMASK, pid, mask_bytes(), &mask) == 0;
}

bool live_unblock(pid_t pid, int signal_number, bool (*send)(void *context),
		  void *context)
{
	bool is_sent = false;
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		return false;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
	    wait_for_stop(pid))
		is_sent = unblock_and_send(pid, signal_number, send, context);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return is_sent;
}
