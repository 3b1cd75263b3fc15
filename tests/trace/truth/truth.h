/*
 * truth: what the programs of known truth share.
 *
 * What a program leaks has to be leaked for certain, also for a tracer that
 * takes every word for a pointer: so the work is done in a function called by
 * certainly(), and the stack that it used and the registers are cleared after
 * it. Blocks are new_block()'s, all zero, so that none brings old pointers, and
 * opaque, so that the compiler cannot do without them.
 */
#ifndef TARN_TESTS_TRUTH_H
#define TARN_TESTS_TRUTH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct node {
	struct node *next;
	struct node *other;
	long payload[2];
};

/* The program cannot show what it is for. */
static inline void require(int condition)
{
	if (!condition)
		abort();
}

/* POINTER, of which the compiler then knows nothing. */
static inline void *opaque(void *pointer)
{
	__asm__ volatile("" : "+r"(pointer) : : "memory");
	return pointer;
}

static inline void *new_block(size_t size)
{
	void *block = opaque(calloc(1, size));
	require(block != NULL);
	return block;
}

static inline struct node *new_node(struct node *next)
{
	struct node *node = (struct node *)new_block(sizeof(*node));
	node->next = next;
	return node;
}

/* N nodes, the first one returned, the last one's next NULL. */
static inline struct node *new_chain(long n)
{
	struct node *first = NULL;
	while (n-- > 0)
		first = new_node(first);
	return first;
}

/* N nodes, one of them returned, the last one's next the first. */
static inline struct node *new_ring(long n)
{
	struct node *last = new_node(NULL);
	struct node *first = last;
	while (--n > 0)
		first = new_node(first);
	last->next = first;
	return first;
}

static inline void *new_mapping(size_t size)
{
	void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(mapping != MAP_FAILED);
	return mapping;
}

/* Those that a function need not keep. */
static inline void clear_registers(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile(".irp n,16,17,18,19,20,21,22,23,24,25,26,27,"
				 "28,29,30,31\n\t"
				 "vpxorq %zmm\\n, %zmm\\n, %zmm\\n\n\t"
				 ".endr");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall");
	__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
			 "pxor %%xmm\\n, %%xmm\\n\n\t"
			 ".endr\n\t"
			 "xor %%eax, %%eax\n\txor %%ecx, %%ecx\n\t"
			 "xor %%edx, %%edx\n\txor %%esi, %%esi\n\t"
			 "xor %%edi, %%edi\n\txor %%r8d, %%r8d\n\t"
			 "xor %%r9d, %%r9d\n\txor %%r10d, %%r10d\n\t"
			 "xor %%r11d, %%r11d"
			 :
			 :
			 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
			   "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
			   "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
			   "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc",
			   "memory");
#elif defined(__aarch64__)
	__asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17\n"
			 "mov x\\n, xzr\n\t"
			 ".endr\n\t"
			 ".irp n,0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23,24,"
			 "25,26,27,28,29,30,31\n\t"
			 "movi v\\n\\().2d, #0\n\t"
			 ".endr"
			 :
			 :
			 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8",
			   "x9", "x10", "x11", "x12", "x13", "x14", "x15",
			   "x16", "x17", "v0", "v1", "v2", "v3", "v4", "v5",
			   "v6", "v7", "v16", "v17", "v18", "v19", "v20", "v21",
			   "v22", "v23", "v24", "v25", "v26", "v27", "v28",
			   "v29", "v30", "v31", "memory");
#endif
}

#define SCRUBBED_BYTES (128 << 10)

/* Clears the stack below its caller, without a call that could save some. */
__attribute__((noinline, unused)) static void scrub(void)
{
	volatile uint64_t dead[SCRUBBED_BYTES / sizeof(uint64_t)];
	for (size_t i = 0; i < sizeof(dead) / sizeof(dead[0]); i++)
		dead[i] = 0;
	clear_registers();
}

/* Calls WORK so deep that scrub() reaches every byte of its frame. */
__attribute__((noinline, unused)) static void call_deep(void (*work)(void))
{
	volatile char gap[1024];
	for (size_t i = 0; i < sizeof(gap); i++)
		gap[i] = 0;
	work();
	gap[0] = 1;
}

/* Calls WORK and leaves no trace of it in registers and on the stack. */
static inline void certainly(void (*work)(void))
{
	void (*volatile call)(void (*)(void)) = call_deep;
	call(work);
	scrub();
}

static inline pthread_t start_thread(void *(*function)(void *))
{
	pthread_t thread;
	require(pthread_create(&thread, NULL, function, NULL) == 0);
	return thread;
}

static inline void raise_flag(int *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELEASE);
}

static inline void wait_for_flag(int *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* Blocks in a read that nothing ends. */
static inline void block_for_good(void)
{
	int fds[2];
	char byte;
	require(pipe(fds) == 0);
	while (read(fds[0], &byte, 1) != 0)
		;
}

#endif
