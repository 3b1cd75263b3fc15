/*
 * threads: what threads.c and calls.c share.
 */
#ifndef TESTS_LIVE_THREADS_H
#define TESTS_LIVE_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* One line on stderr, and the end of the program with 1. */
void fail(const char *what);

/* Starts a thread that runs BODY with ARGUMENT. */
void start_thread(void *(*body)(void *argument), void *argument);

/* A block of BYTES filled with a pattern, which check_block() expects. */
void *new_block(size_t bytes);
void check_block(const void *block);

/* Starts a thread in each of the system calls that may block. */
void calls_start(void);

/* One line for each call: how often it ended, and how often with EINTR. */
void calls_print(void);

#endif
