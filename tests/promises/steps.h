/*
 * steps: how many instructions a stretch of one thread's executes, and which
 * system calls are among them.
 *
 * The trap flag has the processor raise a SIGTRAP after every instruction. A
 * stretch of more than its limit runs on uncounted, so that a test that fails
 * takes no longer than one that passes. Nothing here allocates.
 *
 * Law: between steps_begin and steps_end the thread blocks no SIGTRAP.
 */
#ifndef TARN_TESTS_STEPS_H
#define TARN_TESTS_STEPS_H

#include "promise.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { STEPS_NUMBERS = 512, STEPS_TRAP_FLAG = 0x100 };

/* Assertions, and what is not optimized, cost several times as much. */
#if TARN_DEBUG || !defined(__OPTIMIZE__)
#define STEPS_LIMIT(n) ((n)*8)
#else
#define STEPS_LIMIT(n) (n)
#endif

struct steps {
	uint64_t n; /* instructions, LIMIT at most */
	uint64_t limit;
	unsigned n_calls; /* system calls, and how many of each number */
	unsigned calls[STEPS_NUMBERS];
};

static _Thread_local struct steps steps;

/* Called before each system call of a stretch, uncounted, if not NULL. */
static void (*steps_at_call)(long number);

#if defined(__x86_64__)
static inline void steps_note(int signal, siginfo_t *info, void *argument)
{
	greg_t *registers = ((ucontext_t *)argument)->uc_mcontext.gregs;
	const unsigned char *next = (const unsigned char *)registers[REG_RIP];
	uint64_t number = (uint64_t)registers[REG_RAX];
	(void)signal;
	(void)info;
	if (next[0] == 0x0f && next[1] == 0x05 && number < STEPS_NUMBERS) {
		steps.n_calls++;
		steps.calls[number]++;
		if (steps_at_call != NULL)
			steps_at_call((long)number);
	}
	if (++steps.n >= steps.limit)
		registers[REG_EFL] &= ~(greg_t)STEPS_TRAP_FLAG;
}

static inline void steps_begin(uint64_t limit)
{
	struct sigaction action;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = steps_note;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGTRAP, &action, NULL);
	memset(&steps, 0, sizeof(steps));
	steps.limit = limit;
	/* Below what the compiler may keep under the stack pointer. */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}

static inline void steps_end(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}
#else
static inline void steps_begin(uint64_t limit)
{
	(void)limit;
	expect_skip("instructions are counted on x86-64 only");
}

static inline void steps_end(void)
{
}
#endif

/* System calls that ask for memory, give it back or look at it. */
static inline unsigned steps_memory_calls(void)
{
	return steps.calls[SYS_mmap] + steps.calls[SYS_munmap] +
	       steps.calls[SYS_mremap] + steps.calls[SYS_madvise] +
	       steps.calls[SYS_mprotect] + steps.calls[SYS_mincore] +
	       steps.calls[SYS_brk];
}

/* Expects the stretch to have had less than its limit, and N_CALLS at most. */
static inline int steps_expect(const char *what, unsigned n_calls)
{
	int few = steps.n < steps.limit && steps.n_calls <= n_calls;
	if (few)
		return 1;
	promise_broken(
		"%s: %s%llu instructions (below %llu is right), %u system "
		"calls (%u is right)\n",
		what, steps.n < steps.limit ? "" : "at least ",
		(unsigned long long)steps.n, (unsigned long long)steps.limit,
		steps.n_calls, n_calls);
	return 0;
}

#endif
