/*
 * threads: stopping the other threads of the process, and what is in their
 * registers.
 *
 * A helper process that shares our memory, but no thread group, may trace our
 * threads: it seizes and interrupts them, notes their registers, and lets them
 * go when told to, or when it dies. The caller goes on meanwhile. A system call
 * that a stopped thread is in is restarted by the kernel, but for those that it
 * always interrupts (see signal(7)).
 *
 * Where the kernel forbids it (another tracer, seccomp, Yama without a way
 * round), nothing is stopped, and the caller is told.
 */
#ifndef TARN_OS_THREADS_H
#define TARN_OS_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for the general registers and for the vector registers, as the kernel
 * lays them out; what does not fit is cut. */
#define OS_GENERAL_WORDS 34
#define OS_VECTOR_WORDS 344

struct os_thread {
	uint32_t id;
	bool is_seized; /* the helper is its tracer */
	bool is_ended;	/* while others go on; it holds nothing */
	bool is_stopped;
	bool is_seen; /* its registers are below */
	uint32_t n_general;
	uint32_t n_vector;
	uintptr_t stack_pointer;
	uintptr_t thread_pointer;
	uintptr_t general[OS_GENERAL_WORDS];
	uintptr_t vector[OS_VECTOR_WORDS];
};

/* The other threads of the process, while they are stopped. */
struct os_world {
	struct os_thread *threads; /* all but the caller's */
	uint32_t n_threads;
	bool is_stopped;  /* every one of them */
	size_t map_bytes; /* of `threads` */
	/* Of the helper. */
	uint32_t n_room;
	uint32_t helper;
	uint32_t helper_lives; /* its id; the kernel clears it */
	uint32_t phase;
	uint32_t caller;
	uint32_t process;
	long tasks_fd;
	uint64_t patience_ns;
	uint64_t deadline_ns;
	uint64_t resumed_ns; /* of CLOCK_MONOTONIC: the last went on */
};

/*
 * Stops the threads; one that does not stop within MS milliseconds (it waits
 * for a device, or for its vfork child) is left. Always fills WORLD in;
 * os_resume must follow before the next os_stop, by whichever thread. The
 * caller has blocked all signals, and until os_resume calls nothing that may
 * wait for another thread.
 */
void os_stop(struct os_world *world, unsigned ms);

/* Returns when the last of them went on, by CLOCK_MONOTONIC; 0: there was
 * none. */
uint64_t os_resume(struct os_world *world);

#endif
