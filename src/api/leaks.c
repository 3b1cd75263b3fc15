/*
 * leaks: at exit, at a signal, at a call.
 *
 * A process that tarn(1) has started finds in TARN_REPORTS the folder where its
 * reports go, each complete once it has its name. Else they go to stderr.
 */
#define _GNU_SOURCE
#include "api/leaks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/lsan.h"
#include "api/process.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/syscall.h"
#include "conf/conf.h"
#include "heap/heap.h"
#include "heap/registry.h"
#include "os/call.h"
#include "os/system.h"
#include "watch/modules.h"
#include "watch/watch.h"

#define PATH_BYTES 512

/* A trace needs some 16 KiB, which not every thread has left. */

/* Room for what programs name; what is beyond is not a root, or not ignored,
 * and they are told so where they can be. */
#define REGIONS_ROOM 256
#define IGNORED_ROOM 4096

static struct lock trace_lock = LOCK_INIT(LOCK_TRACE);

/* Guarded by trace_lock. */
static struct trace trace;
_Alignas(64) char leaks_stack[LEAKS_STACK_BYTES];
static struct root_range regions_named[REGIONS_ROOM];
static size_t n_regions_named;
static uintptr_t ignored[IGNORED_ROOM];
static size_t n_ignored;

/* Fixed at the start, but for the process's id after a fork. */
static char folder[PATH_BYTES];
static uint32_t own_process;
static bool is_for_one; /* not for its children */
/* Atomic, relaxed. */
static bool has_reported;

/* --- a trace ---------------------------------------------------------- */

struct taking {
	struct trace_options *options;
	bool is_taken;
};

static void take(void *context)
{
	struct taking *taking = context;
	taking->is_taken = trace_take(&trace, taking->options);
}

/*
 * The frames of our callers lie above this one's, and what they had in
 * registers has been saved by the one that calls us.
 */
static NOINLINE bool take_from_here(struct trace_options *options)
{
	const struct root_range hidden = {
		(uintptr_t)leaks_stack,
		(uintptr_t)(leaks_stack + LEAKS_STACK_BYTES)};
	struct taking taking = {options, false};
	options->stack_pointer = (uintptr_t)__builtin_frame_address(0);
	options->hidden = &hidden;
	options->n_hidden = 1;
	os_call_on(leaks_stack + LEAKS_STACK_BYTES, take, &taking);
	return taking.is_taken;
}

void leaks_add_named(struct trace_options *options)
{
	options->regions = regions_named;
	options->n_regions = n_regions_named;
	options->ignored = ignored;
	options->n_ignored = n_ignored;
}

NOINLINE bool leaks_trace_locked(const struct trace_options *asked,
				 void (*see)(struct trace *trace,
					     void *context),
				 void *context)
{
	__builtin_unwind_init();
	struct trace_options options = *asked;
	leaks_add_named(&options);
	bool is_taken = take_from_here(&options);
	if (is_taken)
		see(&trace, context);
	trace_end(&trace);
	if (!is_taken)
		errno = ENOMEM;
	return is_taken;
}

bool leaks_trace(const struct trace_options *options,
		 void (*see)(struct trace *trace, void *context), void *context)
{
	if (lock_is_mine(&trace_lock)) {
		errno = EDEADLK;
		return false;
	}
	lock_acquire(&trace_lock);
	bool is_taken = leaks_trace_locked(options, see, context);
	lock_release(&trace_lock);
	return is_taken;
}

bool leaks_lock(void)
{
	if (lock_is_mine(&trace_lock))
		return false;
	lock_acquire(&trace_lock);
	return true;
}

bool leaks_try_lock(void)
{
	return lock_try(&trace_lock);
}

void leaks_unlock(void)
{
	lock_release(&trace_lock);
}

void leaks_abandon_lock(void)
{
	lock_abandon(&trace_lock);
}

bool leaks_may_trace_now(void)
{
	return !registry_is_interrupted() && !lock_is_mine(&modules_lock) &&
	       !lock_is_mine(&trace_lock);
}

bool leaks_add_region(uintptr_t start, uintptr_t end)
{
	lock_acquire(&trace_lock);
	bool has_room = n_regions_named < REGIONS_ROOM;
	if (has_room)
		regions_named[n_regions_named++] =
			(struct root_range){start, end};
	lock_release(&trace_lock);
	return has_room;
}

bool leaks_remove_region(uintptr_t start, uintptr_t end)
{
	bool is_found = false;
	lock_acquire(&trace_lock);
	for (size_t i = 0; i < n_regions_named && !is_found; i++) {
		is_found = regions_named[i].start == start &&
			   regions_named[i].end == end;
		if (is_found)
			regions_named[i] = regions_named[--n_regions_named];
	}
	lock_release(&trace_lock);
	return is_found;
}

void leaks_ignore(const void *block)
{
	uint32_t *word = watch_word(block);
	if (word != NULL) {
		__atomic_fetch_or(word, WATCH_IGNORED, __ATOMIC_RELAXED);
		return;
	}
	lock_acquire(&trace_lock);
	if (n_ignored < IGNORED_ROOM)
		ignored[n_ignored++] = (uintptr_t)block;
	lock_release(&trace_lock);
}

void leaks_ignore_allocations(bool ignore)
{
	process_enter();
	watch_ignore(ignore);
}

/* --- the report at the end ------------------------------------------- */

static int open_new(const char *path)
{
	return (int)os_syscall(
		SYS_openat, AT_FDCWD, path,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* A fork may reuse an id: the first free number makes the name. */
static bool write_file(struct trace *taken)
{
	char part[PATH_BYTES + 64], whole[PATH_BYTES + 64];
	int fd = -1;
	for (int n = 0; n < 1000 && fd < 0; n++) {
		message_format(whole, sizeof(whole), "%s/%u.%d.report", folder,
			       os_process_id(), n);
		message_format(part, sizeof(part), "%s.part", whole);
		if (os_syscall(SYS_faccessat, AT_FDCWD, whole, F_OK) != 0)
			fd = open_new(part);
	}
	if (fd < 0)
		return false;
	bool is_written = trace_write(taken, fd);
	os_syscall(SYS_close, fd);
	return is_written &&
	       os_syscall(SYS_renameat, AT_FDCWD, part, AT_FDCWD, whole) == 0;
}

static void report(struct trace *taken, void *context)
{
	bool *has_told = context;
	if (folder[0] == '\0' || !write_file(taken))
		*has_told = lsan_report(taken);
}

void leaks_at_exit(void)
{
	struct trace_options options = {.wants_possible = true};
	if (!load_relaxed(&conf.leaks) || !lsan_is_on() ||
	    os_process_id() != own_process ||
	    __atomic_exchange_n(&has_reported, true, __ATOMIC_RELAXED))
		return;
	if (registry_is_interrupted() || lock_is_mine(&modules_lock)) {
		message_print("leaks: no report: a signal handler ended the "
			      "program inside malloc");
		return;
	}
	int saved_errno = errno;
	options.root_kinds = lsan_root_kinds();
	bool has_told = false;
	if (!leaks_trace(&options, report, &has_told))
		message_print("leaks: no report: %s",
			      errno == ENOMEM ? "no memory, or no descriptors"
					      : "the program is tracing");
	if (has_told)
		lsan_end_if_asked();
	errno = saved_errno;
}

static void say_that_we_are_here(void)
{
	char path[PATH_BYTES + 64];
	message_format(path, sizeof(path), "%s/%u.started", folder,
		       own_process);
	int fd = open_new(path);
	if (fd >= 0)
		os_syscall(SYS_close, fd);
}

void leaks_after_fork_in_child(void)
{
	own_process = os_process_id();
	store_relaxed(&has_reported, false);
	if (is_for_one)
		store_relaxed(&conf.leaks, false);
	if (folder[0] != '\0' && load_relaxed(&conf.leaks))
		say_that_we_are_here();
}

/* --- signals ---------------------------------------------------------- */

/* Those that end a program which does not care for them. */
static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Atomic, relaxed: one that came while its thread had a lock. */
static int deferred_signal;

static void end_by(int signal_number)
{
	leaks_at_exit();
	signal(signal_number, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	raise(signal_number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void end_by_deferred(void)
{
	int signal_number = load_relaxed(&deferred_signal);
	if (!leaks_may_trace_now())
		return;
	store_relaxed(&lock_deferred, NULL);
	end_by(signal_number);
}

static void handle_end(int signal_number)
{
	if (leaks_may_trace_now()) {
		end_by(signal_number);
		return;
	}
	store_relaxed(&deferred_signal, signal_number);
	store_relaxed(&lock_deferred, end_by_deferred);
}

static void handle_signals(void)
{
	size_t n = sizeof(ending_signals) / sizeof(ending_signals[0]);
	for (size_t i = 0; i < n; i++) {
		struct sigaction now, ours = {.sa_handler = handle_end};
		sigfillset(&ours.sa_mask);
		if (sigaction(ending_signals[i], NULL, &now) == 0 &&
		    now.sa_handler == SIG_DFL)
			sigaction(ending_signals[i], &ours, NULL);
	}
}

/* --- start ------------------------------------------------------------ */

void leaks_start(void)
{
	const char *given = secure_getenv("TARN_REPORTS");
	const char *only = secure_getenv("TARN_REPORTS_PID");
	own_process = os_process_id();
	is_for_one = only != NULL;
	if (only != NULL && (uint32_t)strtoul(only, NULL, 10) != own_process) {
		store_relaxed(&conf.leaks, false);
		return;
	}
	if (given != NULL && strlen(given) < sizeof(folder)) {
		strcpy(folder, given);
		say_that_we_are_here();
	}
	if (load_relaxed(&conf.leaks))
		handle_signals();
}

void leaks_construct(void)
{
	if (load_relaxed(&conf.leaks))
		at_quick_exit(leaks_at_exit);
}
