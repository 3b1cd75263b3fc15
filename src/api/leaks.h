/*
 * leaks: when the tracer runs, and where its report goes.
 */
#ifndef TARN_API_LEAKS_H
#define TARN_API_LEAKS_H

#include "trace/trace.h"

/*
 * Once the options are known: where to report to, and, if there will be a
 * report at the end, handlers for the signals that would end the program
 * without one.
 */
void leaks_start(void);

/* The same, once libc is ready. */
void leaks_construct(void);

/* The program ends now: reports, if that is wanted and was not done. */
void leaks_at_exit(void);

/* A fork waits for a trace; false if it comes from a visitor of one, and
 * there is nothing to unlock. */
bool leaks_lock_for_fork(void);

/* Takes the lock of traces if it is free. */
bool leaks_try_lock(void);
void leaks_unlock(void);

/* false in a signal handler that struck where this thread has locks. */
bool leaks_may_trace_now(void);

/* What the program has named as roots and as ignored, while traces are
 * locked. */
void leaks_add_named(struct trace_options *options);

/* In the child of a fork: it will have a report of its own. */
void leaks_after_fork_in_child(void);

/*
 * Traces, then calls SEE with the result while it lasts. false, without a call,
 * with ENOMEM if there was no memory or EDEADLK if this thread is tracing.
 */
bool leaks_trace(const struct trace_options *options,
		 void (*see)(struct trace *trace, void *context),
		 void *context);

/* What is a root besides what the tracer finds (lsan_interface.h). */
bool leaks_add_region(uintptr_t start, uintptr_t end);
bool leaks_remove_region(uintptr_t start, uintptr_t end);
void leaks_ignore(const void *block);

/* What the calling thread allocates is no leak, until as many calls with
 * false. */
void leaks_ignore_allocations(bool ignore);

#endif
