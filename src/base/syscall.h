/*
 * syscall: system calls that nobody can interpose, that are no points at which
 * a thread may be cancelled, and that leave errno alone: also for code that
 * runs where no thread-local memory is its own. Returns what the kernel does: a
 * negative error number on failure.
 */
#ifndef TARN_BASE_SYSCALL_H
#define TARN_BASE_SYSCALL_H

#include <sys/syscall.h>

#if defined(__x86_64__)
static inline long syscall_of_six(long number, long a, long b, long c, long d,
				  long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long syscall_of_six(long number, long a, long b, long c, long d,
				  long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#error "how is a system call made here?"
#endif

/* os_syscall(NUMBER, ARGUMENT...): up to six, integers or pointers. */
#define SYSCALL_PADDED(number, a, b, c, d, e, f, ...)                          \
	syscall_of_six((number), (long)(a), (long)(b), (long)(c), (long)(d),   \
		       (long)(e), (long)(f))
#define os_syscall(...) SYSCALL_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

#endif
