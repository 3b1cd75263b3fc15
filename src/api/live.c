/*
 * live: when the process is asked, and when that can be answered.
 *
 * The handler may strike anywhere. Where its thread has a lock of ours, the
 * request waits until that is let go.
 */
#define _GNU_SOURCE
#include "api/live.h"

#include <errno.h>
#include <signal.h>
#include <ucontext.h>

#include "api/leaks.h"
#include "api/live_answer.h"
#include "base/lock.h"
#include "conf/conf.h"
#include "os/copy.h"
#include "os/system.h"
#include "watch/watch.h"
#include "wire/control.h"

/* How often slow paths look for copies that have ended. */
#define BURY_MS 50

/* The request that could not be served at once. Atomic, relaxed. */
static uint64_t deferred;

/* The one served last, which may come again. Atomic, relaxed. */
static uint32_t last_number;

/* Atomic, relaxed: copies that were not buried yet; 0: none. */
#define COPIES_MAX 16
static uint32_t copies[COPIES_MAX];
/* Of the program that this process was before it executed this one. */
static bool has_strangers;
/* When to look for them again, in slow paths. */
static uint64_t bury_at_ms;

static void note_copy(uint32_t id)
{
	for (size_t i = 0; i < COPIES_MAX; i++) {
		uint32_t none = 0;
		if (cas_relaxed(&copies[i], &none, id))
			return;
	}
}

/* true if others live. */
static bool bury_copies(void)
{
	bool has_more = false;
	for (size_t i = 0; i < COPIES_MAX; i++) {
		uint32_t id = load_relaxed(&copies[i]);
		if (id == 0)
			continue;
		/* Another thread may have done so, and noted a new one. */
		if (os_reap(id))
			cas_relaxed(&copies[i], &id, 0);
		else
			has_more = true;
	}
	if (load_relaxed(&has_strangers)) {
		bool has_any = os_reap_any();
		store_relaxed(&has_strangers, has_any);
		has_more |= has_any;
	}
	return has_more;
}

static NOINLINE void serve(uint64_t value, uintptr_t interrupted)
{
	enum control_kind kind = (enum control_kind)(value >> 32 & 0xff);
	uint32_t number = (uint32_t)value;
	__builtin_unwind_init();
	if (kind == CONTROL_WATCH)
		watch_for(number);
	bool is_watched = kind == CONTROL_COPY_WATCH;
	if (is_watched)
		kind = CONTROL_COPY;
	if (kind != CONTROL_STATS && kind != CONTROL_COPY)
		return;
	if (number == load_relaxed(&last_number) || !leaks_try_lock())
		return; /* if a trace runs, the command asks again */
	store_relaxed(&last_number, number);
	uint64_t mask = os_block_signals();
	uint32_t copy = live_answer(kind, number, interrupted);
	if (copy != 0)
		note_copy(copy);
	if (is_watched)
		watch_for(CONTROL_WATCH_MS);
	os_set_signals(mask);
	leaks_unlock();
}

static void do_deferred(void);

/*
 * Something is to be done by whoever lets a lock go next, unless the program is
 * to end then. Who defers writes `deferred` and looks at the hook, who is done
 * takes the hook away and looks at `deferred`: seq_cst, as in heap/remote.h.
 */
static void defer(void)
{
	void (*none)(void) = NULL;
	__atomic_compare_exchange_n(&lock_deferred, &none, do_deferred, 0,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static void stop_deferring(void)
{
	void (*mine)(void) = do_deferred;
	__atomic_compare_exchange_n(&lock_deferred, &mine, NULL, 0,
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	if (load_seq_cst(&deferred) != 0)
		defer();
}

static void do_deferred(void)
{
	int saved_errno = errno;
	uint64_t value = 0;
	if (load_relaxed(&deferred) != 0 && leaks_may_trace_now())
		value = __atomic_exchange_n(&deferred, 0, __ATOMIC_RELAXED);
	if (value != 0)
		serve(value, 0);
	uint64_t now_ms = os_now_ms();
	if (now_ms >= load_relaxed(&bury_at_ms)) {
		store_relaxed(&bury_at_ms, now_ms + BURY_MS);
		if (!bury_copies() && load_relaxed(&deferred) == 0)
			stop_deferring();
	}
	errno = saved_errno;
}

static uintptr_t interrupted_at(const ucontext_t *context)
{
#if defined(__x86_64__)
	return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (uintptr_t)context->uc_mcontext.sp;
#else
#error "where is the stack pointer here?"
#endif
}

static void take(uint64_t value, ucontext_t *context)
{
	if ((value >> 32 & CONTROL_WAS_BLOCKED) != 0)
		sigaddset(&context->uc_sigmask, CONTROL_SIGNAL);
	if (leaks_may_trace_now())
		serve(value, interrupted_at(context));
	else
		exchange_seq_cst(&deferred, value);
	if (bury_copies() || load_relaxed(&deferred) != 0)
		defer();
}

/* Others of these signals are the program's own, or somebody's for nothing. */
static void handle(int signal_number, siginfo_t *info, void *context)
{
	uint64_t value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
	int saved_errno = errno;
	(void)signal_number;
	if (info->si_code == SI_QUEUE && value >> 48 == CONTROL_MAGIC)
		take(value, context);
	errno = saved_errno;
}

void live_construct(void)
{
	struct sigaction now,
		ours = {
			.sa_sigaction = handle,
			.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
		};
	sigfillset(&ours.sa_mask);
	if (conf.control && sigaction(CONTROL_SIGNAL, NULL, &now) == 0 &&
	    now.sa_handler == SIG_DFL)
		sigaction(CONTROL_SIGNAL, &ours, NULL);
	has_strangers = conf.control && os_reap_any();
	if (has_strangers)
		defer();
}

void live_after_fork_in_child(void)
{
	void (*mine)(void) = do_deferred;
	store_relaxed(&deferred, 0);
	for (size_t i = 0; i < COPIES_MAX; i++)
		store_relaxed(&copies[i], 0);
	__atomic_compare_exchange_n(&lock_deferred, &mine, NULL, 0,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
