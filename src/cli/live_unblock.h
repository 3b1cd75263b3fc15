/*
 * live_unblock: a process all of whose threads block the signal by which it is
 * asked, as those of Apache do.
 */
#ifndef TARN_CLI_LIVE_UNBLOCK_H
#define TARN_CLI_LIVE_UNBLOCK_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Stops the main thread of PID for a moment, takes the signal out of those it
 * blocks, calls SEND, which sends it that signal, and lets it go. The handler
 * must block it again. false if it does not block the signal, ptrace(2) is
 * refused, or SEND fails: then nothing has changed.
 */
bool live_unblock(pid_t pid, int signal_number, bool (*send)(void *context),
		  void *context);

#endif
