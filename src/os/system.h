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

/* Milliseconds of a clock that never goes back, of a few ms' resolution. */
uint64_t os_now_ms(void);

/* Unpredictable; from the kernel's random bytes for this process if not from
 * getrandom(2). */
uint64_t os_random(void);

size_t os_physical_bytes(void);

/* RLIMIT_AS; SIZE_MAX for none. */
size_t os_address_space_limit(void);

/* The name the program was started by; never NULL. */
const char *os_program_name(void);

#endif
