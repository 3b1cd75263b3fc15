/*
 * live_answer: a copy of the process, what it answers, and how.
 *
 * With all locks taken no thread is within a slow path; then the threads stop,
 * the copy is made and they go on: what the copy sees is one moment of the
 * whole process, with every register on a stack or in `world`.
 *
 * This runs in a signal handler. What it needs on its stack is small, and the
 * copy has a stack of its own.
 */
#define _GNU_SOURCE
#include "api/live_answer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/leaks.h"
#include "base/arith.h"
#include "base/attr.h"
#include "base/lock.h"
#include "base/message.h"
#include "base/syscall.h"
#include "heap/registry.h"
#include "os/copy.h"
#include "os/memory.h"
#include "os/own.h"
#include "os/system.h"
#include "os/threads.h"
#include "trace/put.h"
#include "trace/who.h"
#include "watch/modules.h"
#include "watch/stats.h"
#include "watch/watch.h"
#include "wire/control.h"

#define COPY_NAME "tarn-copy"

/* The program stands still so long at most, whatever a thread waits for. */
#define STOP_MS 50
/* How long an answer waits for its command to come. */
#define COME_MS 5000
#define COME_APART_MS 500
#define LOOK_MS 50
#define TELL_TRIES 1000

#define RANGES_TOLD 2048

/* Guarded by the lock of traces. */
static struct session {
	uint32_t number;
	enum control_error error;
	long error_number;
	struct os_world world;
	uintptr_t stack_pointer;
	uintptr_t interrupted;
	/* Shared with the copy, which cannot know how long it took until the
	 * others went on. Atomic, relaxed; 0: not yet. */
	uint64_t *stopped_ns;
	struct os_share share;
} session;

/* No trace in the process itself runs meanwhile. */
static char *stack_end(void)
{
	return leaks_stack + LEAKS_STACK_BYTES;
}

static struct control_page *page(void)
{
	return session.share.page;
}

/* --- talking to the command ---------------------------------------------- */

static bool open_share(void)
{
	char name[32];
	message_format(name, sizeof(name), CONTROL_NAME "%08x", session.number);
	if (!os_share_make(&session.share, name, CONTROL_PAGE_BYTES))
		return false;
	page()->pid = session.world.process;
	page()->error = session.error;
	page()->number = (uint32_t)session.error_number;
	page()->version = CONTROL_VERSION;
	return true;
}

static void tell(enum control_state state)
{
	store_release(&page()->state, state);
	os_share_wake(&page()->state);
}

/* Waits while the state is NOW and the command is there; it must come within
 * MS. */
static bool wait_while(enum control_state now, unsigned ms)
{
	unsigned waited = 0;
	bool has_come = false;
	while (load_acquire(&page()->state) == now) {
		bool is_there = os_share_is_locked(&session.share);
		if (!is_there && (has_come || waited >= ms))
			return load_acquire(&page()->state) != now;
		has_come |= is_there;
		waited += LOOK_MS;
		os_share_wait(&page()->state, now, LOOK_MS);
	}
	return true;
}

/* Where the next record goes: the end of the file. */
static uint64_t file_end(void)
{
	long end = os_syscall(SYS_lseek, session.share.fd, 0, SEEK_END);
	return end < 0 ? 0 : (uint64_t)end;
}

/* --- what an answer says ------------------------------------------------- */

static void fail(enum control_error error)
{
	page()->error = error;
	tell(CONTROL_FAILED);
}

static const uint64_t *map_known(void)
{
	struct stat status;
	uint64_t at = page()->known_at, n = page()->n_known;
	if (n == 0 || at % CONTROL_PAGE_BYTES != 0 || n > SIZE_MAX / 8 ||
	    os_syscall(SYS_fstat, session.share.fd, &status) != 0 ||
	    (uint64_t)status.st_size < at ||
	    ((uint64_t)status.st_size - at) / 8 < n)
		return NULL;
	return os_map_own_file(session.share.fd, at, n * 8);
}

struct lost_writer {
	uint64_t block[512];
	size_t n;
	uint64_t n_all;
	bool has_failed;
};

static void flush_lost(struct lost_writer *writer)
{
	size_t bytes = writer->n * sizeof(*writer->block);
	writer->has_failed |= !message_write(
		(int)session.share.fd, (const char *)writer->block, bytes);
	writer->n = 0;
}

static bool add_lost(void *context, uintptr_t block)
{
	struct lost_writer *writer = context;
	writer->block[writer->n++] = block;
	writer->n_all++;
	if (writer->n == sizeof(writer->block) / sizeof(*writer->block))
		flush_lost(writer);
	return !writer->has_failed;
}

static bool write_lost(const struct trace *trace)
{
	struct lost_writer writer = {.n = 0};
	page()->lost_at = file_end();
	trace_visit_lost(trace, add_lost, &writer);
	flush_lost(&writer);
	page()->n_lost = writer.n_all;
	return !writer.has_failed;
}

static bool write_answer(struct trace *trace,
			 const struct trace_options *options)
{
	int fd = (int)session.share.fd;
	bool is_trace = page()->question == CONTROL_TRACE;
	bool has_all;
	page()->report_at = file_end();
	if (is_trace)
		has_all = trace_write(trace, fd);
	else
		has_all = who_write(trace, options, &session.world,
				    page()->address, fd);
	page()->report_bytes = file_end() - page()->report_at;
	if (has_all && is_trace && (page()->wants & CONTROL_WANTS_LOST) != 0)
		has_all = write_lost(trace);
	return has_all;
}

/* How long the process stood still; it may be about to tell. */
static uint64_t wait_for_stopped_ns(void)
{
	uint64_t ns = 0;
	for (int i = 0; i < TELL_TRIES; i++) {
		ns = load_relaxed(session.stopped_ns);
		if (ns != 0)
			break;
		os_share_wait(&page()->state, CONTROL_ASKED, 1);
	}
	return ns;
}

static void answer(struct trace *trace)
{
	const uint64_t *known = map_known();
	size_t n_known = known == NULL ? 0 : page()->n_known;
	const struct root_range hidden[] = {
		{(uintptr_t)leaks_stack, (uintptr_t)stack_end()},
		{(uintptr_t)&session, (uintptr_t)(&session + 1)},
		{(uintptr_t)page(), (uintptr_t)page() + CONTROL_PAGE_BYTES},
		{(uintptr_t)known, (uintptr_t)(known + n_known)},
	};
	struct trace_options options = {
		.root_kinds = page()->root_kinds & ROOT_ALL,
		.stack_pointer = session.stack_pointer,
		.interrupted = session.interrupted,
		.wants_possible = true,
		.wants_reached = (page()->wants & CONTROL_WANTS_REACHED) != 0,
		.n_looks = page()->n_looks,
		.known = known,
		.n_known = n_known,
		.hidden = hidden,
		.n_hidden = sizeof(hidden) / sizeof(hidden[0]),
		.original = session.world.process,
	};
	if (page()->n_known != n_known) {
		fail(CONTROL_BROKEN);
		return;
	}
	leaks_add_named(&options);
	uint64_t started = os_now_ns();
	trace_begin(trace, &session.world);
	trace->process.flags |= WIRE_LIVE;
	bool is_taken = page()->question != CONTROL_TRACE ||
			trace_take_stopped(trace, &options, &session.world);
	trace->process.traced_ns = os_now_ns() - started;
	trace->process.stopped_ns = wait_for_stopped_ns();
	if (is_taken && write_answer(trace, &options))
		tell(CONTROL_ANSWERED);
	else
		fail(trace->work.has_failed || page()->report_bytes != 0
			     ? CONTROL_NO_MEMORY
			     : CONTROL_NO_MAPS);
	trace_end(trace);
}

/* --- the copy ------------------------------------------------------------ */

/* In the copy, whose only thread has every lock. */
static void copy_main(void *context)
{
	(void)context;
	store_relaxed(&lock_deferred, NULL);
	registry_unlock_all();
	lock_release(&modules_lock);
	leaks_unlock();
	os_be_modest(COPY_NAME);
	struct trace *trace = os_map(round_up(sizeof(*trace), os_page_bytes()));
	if (!open_share())
		return;
	if (trace == NULL) {
		fail(CONTROL_NO_MEMORY);
		return;
	}
	tell(CONTROL_READY);
	if (!wait_while(CONTROL_READY, COME_MS) ||
	    load_acquire(&page()->state) != CONTROL_ASKED ||
	    page()->question == CONTROL_QUIT)
		return;
	answer(trace);
}

/* For an answer that needs no copy, or when there cannot be one. */
static void wait_for_reader(void)
{
	for (unsigned ms = 0; ms < COME_APART_MS; ms++) {
		if (os_share_is_locked(&session.share) ||
		    load_acquire(&page()->question) != 0)
			return;
		os_share_wait(&page()->question, 0, 1);
	}
}

static void tell_apart(void *context)
{
	void (*write)(void) = NULL;
	memcpy(&write, context, sizeof(write));
	if (!open_share())
		return;
	write();
	wait_for_reader();
	os_share_end(&session.share);
}

/* In a process that shares our memory; if there can be none, here: then one of
 * the program's descriptors is ours for a moment. */
static void run_apart(void (*write)(void))
{
	if (os_run_apart(tell_apart, &write, stack_end()) < 0)
		tell_apart(&write);
}

static void write_failure(void)
{
	tell(CONTROL_FAILED);
}

/* --- requests ------------------------------------------------------------ */

static uint32_t stop_and_copy(void)
{
	struct os_world *world = &session.world;
	uint64_t started = os_now_ns();
	os_stop(world, STOP_MS);
	long id = os_copy(copy_main, NULL, stack_end());
	uint32_t process = world->process;
	uint64_t copied_ns = os_now_ns();
	uint64_t resumed_ns = os_resume(world);
	world->process = process;
	store_relaxed(session.stopped_ns,
		      max_size(copied_ns, resumed_ns) - started);
	if (id < 0) {
		session.error = CONTROL_NO_COPY;
		session.error_number = -id;
		return 0;
	}
	/* It reads here what it did not get; Yama lets it. */
	os_syscall(SYS_prctl, PR_SET_PTRACER, id);
	return (uint32_t)id;
}

static uint32_t make_copy(void)
{
	size_t bytes = os_page_bytes();
	session.stopped_ns = os_map_own_shared(bytes, -1);
	if (session.stopped_ns == NULL) {
		session.error = CONTROL_NO_MEMORY;
		return 0;
	}
	lock_acquire(&modules_lock);
	registry_lock_all();
	uint32_t id = stop_and_copy();
	registry_unlock_all();
	lock_release(&modules_lock);
	os_unmap_own((uintptr_t)session.stopped_ns, bytes);
	return id;
}

static struct tarn_stats stats;
static struct wire_range ranges[RANGES_TOLD];
static size_t n_ranges;

static void add_range(void *context, uintptr_t at, size_t bytes)
{
	(void)context;
	if (n_ranges < RANGES_TOLD)
		ranges[n_ranges++] = (struct wire_range){at, at + bytes};
}

static void collect_stats(void)
{
	n_ranges = 0;
	stats_collect(&stats);
	registry_lock_all();
	stats_visit_mappings(add_range, NULL);
	registry_unlock_all();
}

static void write_stats(void)
{
	struct wire_writer writer;
	struct wire_process process = {.pid = session.world.process,
				       .flags = watch_flags() | WIRE_LIVE};
	struct wire_stats wire = {
		.pid = process.pid,
		.flags = watch_flags(),
		.live_bytes = stats.live_bytes,
		.rounding_bytes = stats.rounding_bytes,
		.free_bytes = stats.free_bytes,
		.magazine_bytes = stats.magazine_bytes,
		.cached_bytes = stats.cached_bytes,
		.purged_bytes = stats.purged_bytes,
		.metadata_bytes = stats.metadata_bytes,
		.mapped_bytes = stats.mapped_bytes,
		.resident_bytes = stats.resident_bytes,
		.live_blocks = stats.live_blocks,
		.large_blocks = stats.large_blocks,
		.large_bytes = stats.large_bytes,
		.pools = stats.pools,
		.heaps = stats.heaps,
		.parked_heaps = stats.parked_heaps,
		.arenas = stats.arenas,
	};
	page()->report_at = file_end();
	os_syscall(SYS_lseek, session.share.fd, 0, SEEK_END);
	wire_start(&writer, (int)session.share.fd);
	wire_put(&writer, WIRE_PROCESS, &process, sizeof(process), NULL, 0);
	wire_put(&writer, WIRE_STATS, &wire, sizeof(wire), ranges,
		 n_ranges * sizeof(*ranges));
	bool is_written = wire_finish(&writer);
	page()->report_bytes = file_end() - page()->report_at;
	tell(is_written ? CONTROL_ANSWERED : CONTROL_FAILED);
}

uint32_t live_answer(enum control_kind kind, uint32_t number,
		     uintptr_t interrupted)
{
	uint32_t id = 0;
	session = (struct session){
		.number = number,
		.stack_pointer = (uintptr_t)__builtin_frame_address(0),
		.interrupted = interrupted,
		.world.process = os_process_id(),
	};
	if (kind == CONTROL_STATS) {
		collect_stats();
		run_apart(write_stats);
	} else if (kind == CONTROL_COPY) {
		id = make_copy();
		if (session.error != CONTROL_NO_ERROR)
			run_apart(write_failure);
	}
	return id;
}
