/*
 * lsan: LeakSanitizer's interface, <sanitizer/lsan_interface.h>, on our tracer.
 *
 * Each function behaves as the exported one of its name (preload/lsan.c).
 */
#ifndef TARN_API_LSAN_H
#define TARN_API_LSAN_H

#include "base/attr.h"
#include "trace/trace.h"

/* What the program defines to steer us; any may be missing. */
struct lsan_hooks {
	int (*is_turned_off)(void);
	const char *(*default_options)(void);
	const char *(*default_suppressions)(void);
};

/* Before anything else; the hooks are called when they are first needed. */
void lsan_set_hooks(const struct lsan_hooks *hooks);

/* False if the options or a hook turn the search for leaks off. */
bool lsan_is_on(void);

/* Traces and reports; true if there are leaks that are not suppressed. */
bool lsan_check(void);

/* lsan_check(), once; if there are leaks, the process ends with the exit code
 * that is set. */
void lsan_check_and_end(void);

/*
 * Reports what TRACE has found, less what is suppressed, to stderr or where
 * LSAN_OPTIONS says; true if anything is left.
 */
bool lsan_report(struct trace *trace);

/* After a report at exit: ends the process with the exit code, if there are
 * options. */
void lsan_end_if_asked(void);

/* The root kinds that LSAN_OPTIONS leaves. */
unsigned lsan_root_kinds(void);

#endif
