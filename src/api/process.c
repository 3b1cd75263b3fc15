/*
 * process: start, thread start and end, exit.
 *
 * Law: heap_mine is heap_none before the thread's first slow path, then the
 *      heap of its own, then, once its pthread key is destroyed, heap_gone for
 *      good.
 */
#define _GNU_SOURCE
#include "api/process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "api/collect.h"
#include "api/fork.h"
#include "api/leaks.h"
#include "api/live.h"
#include "api/report.h"
#include "base/atomic.h"
#include "base/lock.h"
#include "base/message.h"
#include "conf/conf.h"
#include "heap/decay.h"
#include "heap/heap.h"
#include "heap/idle.h"
#include "heap/registry.h"
#include "os/barrier.h"
#include "os/system.h"
#include "tarn.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/stats.h"
#include "watch/watch.h"

/* Where stderr is kept for the statistics at exit. */
#define KEPT_FD_MIN 1000

/*
 * An ELF note, by which a program that was linked with libtarn.a is known: it
 * stays where symbols are stripped. The version is padded to 4 bytes.
 */
#define NOTE_OWNER "tarn"
#define NOTE_VERSION 1

struct note {
	uint32_t owner_bytes, version_bytes, kind;
	_Alignas(4) char owner[sizeof(NOTE_OWNER)];
	_Alignas(4) char version[sizeof(TARN_VERSION)];
};

#define IN_NOTES __attribute__((used, section(".note.tarn"), aligned(4)))

IN_NOTES static const struct note note = {
	.owner_bytes = sizeof(NOTE_OWNER),
	.version_bytes = sizeof(TARN_VERSION),
	.kind = NOTE_VERSION,
	.owner = NOTE_OWNER,
	.version = TARN_VERSION,
};

/*
 * Atomic: NOT_STARTED, then the id of the thread that starts tarn, then
 * STARTED, which is stored with release after all that precedes it.
 */
#define NOT_STARTED ((uintptr_t)0)
#define STARTED ((uintptr_t)1)
static uintptr_t start;
/* Fixed at the start. */
static pthread_key_t thread_end_key;
static bool has_thread_end_key, conf_is_loaded;
static int stats_fd = STDERR_FILENO;

/*
 * The destructors of other keys may free all that the thread had, so they come
 * first: the heap stays for one round of them. Those of later rounds still
 * free and malloc after this: see heap_gone.
 */
#define NEXT_ROUND 1

static void end_thread(void *value)
{
	bool is_next_round = ((uintptr_t)value & NEXT_ROUND) != 0;
	struct heap *heap = heap_mine;
	if (!is_next_round &&
	    pthread_setspecific(thread_end_key, (char *)value + NEXT_ROUND) ==
		    0)
		return;
	heap_mine = &heap_gone;
	registry_park(heap);
	decay_poll_at_end();
}

/*
 * Many programs close stderr in an atexit handler (all of coreutils do), before
 * the statistics are printed.
 */
static void keep_stderr(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, KEPT_FD_MIN);
	if (fd < 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd >= 0)
		stats_fd = fd;
}

static void load_conf(void)
{
	if (conf_is_loaded || !conf_load())
		return;
	conf_is_loaded = true;
	if (conf.stats != CONF_STATS_OFF)
		keep_stderr();
	watch_start();
	leaks_start();
	if (conf.help)
		conf_print_help(STDERR_FILENO);
}

static void start_process(void)
{
	os_start();
	report_start();
	load_conf();
	os_barrier_prepare();
	idle_start();
	has_thread_end_key =
		pthread_key_create(&thread_end_key, end_thread) == 0;
	store_release(&start, STARTED);
	fork_watch();
}

/*
 * Acquire cites the release in start_process: the key is there. False if it is
 * this thread that starts just now: something that it calls has allocated (a
 * signal handler, libc, or who stands before it), and must not wait for it.
 */
static bool ensure_started(void)
{
	uintptr_t now = load_acquire(&start);
	if (LIKELY(now == STARTED))
		return true;
	if (now == NOT_STARTED && cas_acquire(&start, &now, thread_id())) {
		start_process();
		return true;
	}
	while (now != STARTED && now != thread_id()) {
		sched_yield();
		now = load_acquire(&start);
	}
	return now == STARTED;
}

/* Until tarn has started a thread has no heap of its own, as the heap could not
 * be parked when it ends: blocks come singly from one that nobody has. */
void process_enter(void)
{
	if (LIKELY(heap_mine != &heap_none) || !ensure_started())
		return;
	struct heap *heap = registry_take();
	if (heap == NULL)
		return;
	heap_mine = heap;
	/* May call malloc, which finds the heap. Without a key the heap is
	 * lost when the thread ends. */
	if (has_thread_end_key)
		pthread_setspecific(thread_end_key, heap);
}

__attribute__((constructor)) static void construct(void)
{
	ensure_started();
	load_conf();
	sites_start();
	leaks_construct();
	collect_construct();
	live_construct();
}

/* Whoever should read them may be gone: no reason to die of it now. */
static void print_stats(void)
{
	int stats = load_relaxed(&conf.stats);
	if (stats == CONF_STATS_OFF)
		return;
	signal(SIGPIPE, SIG_IGN);
	stats_print(stats_fd, stats == CONF_STATS_JSON ? TARN_JSON : TARN_TEXT);
}

__attribute__((destructor)) static void end_process(void)
{
	leaks_at_exit();
	print_stats();
}
