/*
 * live_process: what /proc tells of a process that is to be asked.
 */
#ifndef TARN_CLI_LIVE_PROCESS_H
#define TARN_CLI_LIVE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Says on stderr why PID cannot be asked, and returns false; or true. With
 * DESPITE_SECCOMP a filter of its system calls is no reason.
 */
bool live_check(pid_t pid, bool despite_seccomp);

/* Says why PID cannot be copied: its cgroup is near its limit. */
bool live_check_memory(pid_t pid);

/* False also if it has ended, and waits to be buried. */
bool live_is_alive(pid_t pid);

/* Says why PID gave no answer. */
void live_explain_silence(pid_t pid);

/* The thread of PID whom a signal disturbs least; 0 if all block it. */
pid_t live_choose_thread(pid_t pid, int signal_number);

#endif
