/*
 * refusal: a kernel that refuses the memory calls, as seccomp(2) lets a process
 * have it.
 *
 * refuse_forever() has the kernel return ENOMEM. refuse_when() has each call
 * cause a SIGSYS, whose handler asks whether to refuse it and otherwise makes
 * the call itself. Mappings of files are left alone. A filter cannot be taken
 * off again, so a test installs it in a child.
 */
#ifndef TARN_TESTS_REFUSAL_H
#define TARN_TESTS_REFUSAL_H

#include "expect.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum { REFUSABLE = 5 };

static const int refusable[REFUSABLE] = {SYS_mmap, SYS_munmap, SYS_mremap,
					 SYS_mprotect, SYS_madvise};

/* Marks a call as the handler's own: the sixth argument, which none of the
 * calls uses, nor mmap when it maps no file. */
#define REFUSAL_MARK UINT32_C(0x7a726000)

#define REFUSAL_ARGUMENT(n) ((uint32_t)offsetof(struct seccomp_data, args[n]))
#define REFUSAL_LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))
#define REFUSAL_SKIP_UNLESS(value, n)                                          \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (n))
#define REFUSAL_SKIP_IF(value, n)                                              \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (n), 0)

/* Has the kernel answer ACTION to the system call NUMBER. */
static inline int refusal_filter(int number, uint32_t action)
{
	struct sock_filter code[] = {
		REFUSAL_LOAD(offsetof(struct seccomp_data, nr)),
		REFUSAL_SKIP_UNLESS(number, 7),
		REFUSAL_LOAD(REFUSAL_ARGUMENT(5)),
		REFUSAL_SKIP_IF(REFUSAL_MARK, 5),
		/* Of mmap, what maps no file: its descriptor is -1. */
		REFUSAL_LOAD(offsetof(struct seccomp_data, nr)),
		REFUSAL_SKIP_UNLESS(SYS_mmap, 2),
		REFUSAL_LOAD(REFUSAL_ARGUMENT(4)),
		REFUSAL_SKIP_UNLESS(-1, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static inline void refuse_forever(int number)
{
	if (!refusal_filter(number, SECCOMP_RET_ERRNO | ENOMEM))
		expect_skip("no seccomp filters here");
}

#if defined(__x86_64__)
#define REFUSAL_IS_POSSIBLE 1
static inline void refusal_answer(ucontext_t *context, long result)
{
	context->uc_mcontext.gregs[REG_RAX] = result;
}

static inline long refusal_argument(const ucontext_t *context, int n)
{
	static const int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10,
					REG_R8};
	return context->uc_mcontext.gregs[registers[n]];
}
#elif defined(__aarch64__)
#define REFUSAL_IS_POSSIBLE 1
static inline void refusal_answer(ucontext_t *context, long result)
{
	context->uc_mcontext.regs[0] = (unsigned long)result;
}

static inline long refusal_argument(const ucontext_t *context, int n)
{
	return (long)context->uc_mcontext.regs[n];
}
#else
#define REFUSAL_IS_POSSIBLE 0
static inline void refusal_answer(ucontext_t *context, long result)
{
	(void)context;
	(void)result;
}

static inline long refusal_argument(const ucontext_t *context, int n)
{
	(void)context;
	(void)n;
	return 0;
}
#endif

/* Asked in a signal handler for each call. */
static int (*refusal_decides)(int number);

static inline void refusal_handle(int number, siginfo_t *info, void *argument)
{
	(void)number;
	ucontext_t *context = (ucontext_t *)argument;
	int saved_errno = errno;
	long result = -ENOMEM;
	if (!refusal_decides(info->si_syscall)) {
		result = syscall(info->si_syscall, refusal_argument(context, 0),
				 refusal_argument(context, 1),
				 refusal_argument(context, 2),
				 refusal_argument(context, 3),
				 refusal_argument(context, 4),
				 (long)REFUSAL_MARK);
		if (result == -1)
			result = -errno;
	}
	refusal_answer(context, result);
	errno = saved_errno;
}

static inline void refuse_when(int (*decides)(int number))
{
	struct sigaction action;
	if (!REFUSAL_IS_POSSIBLE)
		expect_skip("registers of this machine are not known");
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = refusal_handle;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	refusal_decides = decides;
	sigaction(SIGSYS, &action, NULL);
	for (int i = 0; i < REFUSABLE; i++)
		if (!refusal_filter(refusable[i], SECCOMP_RET_TRAP))
			expect_skip("no seccomp filters here");
}

#endif
