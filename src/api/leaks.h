/*
 * leaks: when the tracer runs, and where its report goes.
 */
#ifndef TARN_API_LEAKS_H
#define TARN_API_LEAKS_H

#include "base/attr.h"
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

/* The stack of traces, for whoever has their lock. */
#define LEAKS_STACK_BYTES ((size_t)256 << 10)
extern HIDDEN char leaks_stack[];

/* Takes the lock of traces, which one trace at a time has, and a fork; false if
 * this thread has it: a visitor of a trace, and there is nothing to unlock.
 * leaks_try_lock takes it only if it is free. */
bool leaks_lock(void);
bool leaks_try_lock(void);
void leaks_unlock(void);

/* Lets the lock go if it is this thread's, before it aborts. */
void leaks_abandon_lock(void);

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

/* The same while the caller has the lock of traces. */
bool leaks_trace_locked(const struct trace_options *options,
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
