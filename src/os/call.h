/*
 * call: a call on another stack, for work that needs more than a thread may
 * have left.
 */
#ifndef TARN_OS_CALL_H
#define TARN_OS_CALL_H

/* Calls FUNCTION on the stack that ends at STACK_END, a multiple of 16. It must
 * return, and throw nothing. */
static inline void os_call_on(char *stack_end, void (*function)(void *context),
			      void *context)
{
#if defined(__x86_64__)
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %[end], %%rsp\n\t"
			 "callq *%[function]\n\t"
			 "movq %%rbx, %%rsp"
			 : "+D"(context), [end] "+S"(stack_end),
			   [function] "+a"(function)
			 :
			 : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11",
			   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
			   "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
#elif defined(__aarch64__)
	register void *x0 __asm__("x0") = context;
	__asm__ volatile(
		"mov x19, sp\n\t"
		"mov sp, %[end]\n\t"
		"blr %[function]\n\t"
		"mov sp, x19"
		: "+r"(x0)
		: [end] "r"(stack_end), [function] "r"(function)
		: "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10",
		  "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19",
		  "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
		  "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
		  "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26",
		  "v27", "v28", "v29", "v30", "v31", "cc", "memory");
#else
#error "how is a stack changed here?"
#endif
}

#endif
