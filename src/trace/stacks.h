/*
 * stacks: which thread uses which stack, and whose an address is.
 *
 * A thread has a stack pointer, and the stack that it points into may be its
 * own, an alternate one of a signal handler, or a coroutine's; and it has a
 * thread pointer, to its descriptor, which for all but the main thread lies at
 * the end of the mapping of its own stack. The bytes below a stack pointer that
 * a leaf function uses without moving it, the red zone, are the stack's too.
 */
#ifndef TARN_TRACE_STACKS_H
#define TARN_TRACE_STACKS_H

#include "os/threads.h"

#if defined(__x86_64__)
#define RED_ZONE_BYTES 128
#else
#define RED_ZONE_BYTES 0
#endif

/* glibc's descriptor of a thread has a little more than half of that. */
#define TCB_BYTES 4096

struct stacks {
	const struct os_world *world;
	uintptr_t stack_pointer; /* of the calling thread */
	uintptr_t interrupted;	 /* where a handler struck; 0: none has */
};

/* What is known of a thread whose registers were seen. */
struct stack_user {
	uint32_t thread;
	uintptr_t stack_pointer;
	uintptr_t thread_pointer;
};

/* Fills in the user numbered I, the caller first, who may be in two places: in
 * a handler, and where that struck. False behind the last. Those that were not
 * seen are passed over: I moves on. */
bool stacks_next(const struct stacks *stacks, uint32_t *i,
		 struct stack_user *user);

/* The thread pointer next above AT; UINTPTR_MAX: none. */
uintptr_t stacks_next_tcb(const struct stacks *stacks, uintptr_t at);

/* True if it is the thread pointer of that thread. */
bool stacks_has(const struct stacks *stacks, uint32_t thread,
		uintptr_t thread_pointer);

/* Whose stack ADDRESS is in, or with IN_TLS whose thread-local data; 0 if that
 * is not known. */
uint32_t stacks_owner(const struct stacks *stacks, uintptr_t address,
		      bool in_tls);

#endif
