/*
 * clone: clone(2) with a stack for the child, by no name of libc's.
 */
#ifndef TARN_OS_CLONE_H
#define TARN_OS_CLONE_H

#include <stdint.h>

#include "base/syscall.h"

/*
 * In the child, FUNCTION(CONTEXT) runs on the stack that ends at STACK_END, a
 * multiple of 16, and must not return. With the flags that ask for it, the
 * child's id is put into *ID, or cleared there. Returns the id or a negative
 * error number.
 */
static inline long os_clone(long flags, char *stack_end,
			    void (*function)(void *context), void *context,
			    uint32_t *id)
{
	/* The child has the caller's registers. */
#if defined(__x86_64__)
	long result;
	register long r10 __asm__("r10") = (long)id;
	register long r8 __asm__("r8") = 0;
	register void *r12 __asm__("r12") = context;
	register void (*r13)(void *) __asm__("r13") = function;
	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %%r12, %%rdi\n\t"
			 "callq *%%r13\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result)
			 : "a"(SYS_clone), "D"(flags), "S"(stack_end), "d"(id),
			   "r"(r10), "r"(r8), "r"(r12), "r"(r13)
			 : "rcx", "r11", "memory", "cc");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = flags;
	register long x1 __asm__("x1") = (long)stack_end;
	register long x2 __asm__("x2") = (long)id;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = (long)id;
	register void *x19 __asm__("x19") = context;
	register void (*x20)(void *) __asm__("x20") = function;
	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x19\n\t"
			 "blr x20\n\t"
			 "brk #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4),
			   "r"(x19), "r"(x20)
			 : "memory", "cc");
	return x0;
#else
#error "how is a process cloned here?"
#endif
}

#endif
