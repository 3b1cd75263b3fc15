/*
 * system: what the machine and the process are.
 *
 * Thread-safe, allocation-free, callable before libc's constructors.
 */
#ifndef TARN_OS_SYSTEM_H
#define TARN_OS_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads what the kernel gave the process at its start. Before the first lock is
 * taken: asks libc. What is below is true before that too, but the clock is
 * slower.
 */
void os_start(void);

/* What os_start has read; zeros before it. */
struct os_given {
	uintptr_t segments; /* the program's headers */
	size_t n_segments;
};

const struct os_given *os_given(void);

/* Milliseconds of a clock that never goes back, of a few ms' resolution. */
uint64_t os_now_ms(void);

/*
 * Blocks all signals of this thread and returns those that were, for
 * os_set_signals; also those that libc uses to end threads, which must not end
 * one that has a lock.
 */
uint64_t os_block_signals(void);
void os_set_signals(uint64_t mask);

/* Nanoseconds of a clock that never goes back; costs a system call. */
uint64_t os_now_ns(void);

/* Unpredictable; hard to guess at least where getrandom(2) has nothing. */
uint64_t os_random(void);

size_t os_physical_bytes(void);

/* RLIMIT_AS; SIZE_MAX for none. */
size_t os_address_space_limit(void);

uint32_t os_process_id(void);

/* The name the program was started by; never NULL. */
const char *os_program_name(void);

#endif
