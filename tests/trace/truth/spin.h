/*
 * spin: a thread that holds a new block in one place alone, and spins.
 *
 * HOLD moves the pointer from rax to its place. Then rax and what the call left
 * on the stack are cleared, and READY is set. It never returns, so that it may
 * take any register, and the stack pointer too. The first 128 bytes below it,
 * the red zone, are a function's own.
 */
#ifndef TARN_TESTS_SPIN_H
#define TARN_TESTS_SPIN_H

#include "truth.h"

#define SPIN_HOLDING(hold, ready)                                              \
	__asm__ volatile("sub $4096, %%rsp\n\t"                                \
			 "and $-64, %%rsp\n\t"                                 \
			 "mov $1, %%edi\n\t"                                   \
			 "mov $96, %%esi\n\t"                                  \
			 "call calloc@PLT\n\t"                                 \
			 "mov %%rax, %%rdx\n\t"                                \
			 "lea -4096(%%rsp), %%rdi\n\t"                         \
			 "mov $512, %%ecx\n\t"                                 \
			 "xor %%eax, %%eax\n\t"                                \
			 "rep stosq\n\t"                                       \
			 "mov %%rdx, %%rax\n\t"                                \
			 "xor %%edx, %%edx\n\t" hold "\n\t"                    \
			 "xor %%eax, %%eax\n\t"                                \
			 "xor %%edi, %%edi\n\t"                                \
			 "xor %%esi, %%esi\n\t"                                \
			 "xor %%r8d, %%r8d\n\t"                                \
			 "xor %%r9d, %%r9d\n\t"                                \
			 "xor %%r10d, %%r10d\n\t"                              \
			 "xor %%r11d, %%r11d\n\t"                              \
			 "movl $1, %0\n"                                       \
			 "0:\n\t"                                              \
			 "pause\n\t"                                           \
			 "jmp 0b"                                              \
			 : "=m"(ready)                                         \
			 :                                                     \
			 : "memory")

#endif
