/*
 * threads: the helper that stops them.
 *
 * The helper runs on a stack of its own, but with the caller's thread pointer,
 * so it must not touch errno or anything else that is thread-local: it makes
 * system calls by os_syscall alone.
 */
#define _GNU_SOURCE
#include "os/threads.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "base/atomic.h"
#include "base/syscall.h"
#include "os/clone.h"
#include "os/memory.h"
#include "os/own.h"
#include "os/system.h"

#define HELPER_STACK_BYTES ((size_t)64 << 10)
/* Threads that start while we count them. */
#define ROOM_MORE 64

#define NAP_NS_MIN 5000
#define NAP_NS_MAX 1000000
#define LIST_TRIES 1000
/* How often the caller looks whether the helper still lives. */
#define LOOK_NS 100000000

/* Where caller and helper are; each waits for the other by futex. */
enum phase { PREPARING, MAY_START, STOPPED, MAY_END };

static void wait_in(struct os_world *world, enum phase phase)
{
	struct timespec time = {0, LOOK_NS};
	while (load_acquire(&world->phase) == phase &&
	       load_acquire(&world->helper_lives) != 0)
		os_syscall(SYS_futex, &world->phase, FUTEX_WAIT, phase, &time);
}

static void enter(struct os_world *world, enum phase phase)
{
	store_release(&world->phase, phase);
	os_syscall(SYS_futex, &world->phase, FUTEX_WAKE, 1);
}

/* --- the helper ---------------------------------------------------------- */

/* The folder of tasks has a link for each, and two more. 0: it does not
 * tell. */
static uint64_t count_threads(const struct os_world *world)
{
	struct stat status;
	if (os_syscall(SYS_fstat, world->tasks_fd, &status) != 0 ||
	    status.st_nlink < 3)
		return 0;
	return status.st_nlink - 2;
}

struct entry {
	uint64_t inode;
	int64_t offset;
	uint16_t bytes;
	unsigned char type;
	char name[];
};

static uint32_t parse_id(const char *name)
{
	uint32_t id = 0;
	for (; *name >= '0' && *name <= '9'; name++)
		id = id * 10 + (uint32_t)(*name - '0');
	return *name == '\0' ? id : 0;
}

/* Calls VISIT with each thread's id. One that ends meanwhile may hide those
 * behind it. */
static void visit_tasks(struct os_world *world,
			void (*visit)(struct os_world *world, uint32_t id))
{
	_Alignas(struct entry) char buffer[2048];
	long n;
	os_syscall(SYS_lseek, world->tasks_fd, 0, SEEK_SET);
	while ((n = os_syscall(SYS_getdents64, world->tasks_fd, buffer,
			       sizeof(buffer))) > 0)
		for (long at = 0; at < n;) {
			const struct entry *entry = (void *)(buffer + at);
			uint32_t id = parse_id(entry->name);
			if (id != 0 && id != world->caller)
				visit(world, id);
			at += entry->bytes;
		}
}

static bool is_known(const struct os_world *world, uint32_t id)
{
	for (uint32_t i = 0; i < world->n_threads; i++)
		if (world->threads[i].id == id)
			return true;
	return false;
}

static long trace(long request, uint32_t id, long address, void *data)
{
	return os_syscall(SYS_ptrace, request, id, address, data);
}

static void nap(long ns)
{
	struct timespec time = {0, ns};
	os_syscall(SYS_nanosleep, &time);
}

/*
 * Waits for the stop that was asked for. A signal that comes first is
 * delivered: the thread goes on until it stops for us.
 */
static bool wait_for_stop(const struct os_world *world, uint32_t id)
{
	long ns = NAP_NS_MIN;
	for (;;) {
		int status = 0;
		long got = os_syscall(SYS_wait4, id, &status, __WALL | WNOHANG);
		if (got == 0) {
			if (os_now_ns() > world->deadline_ns)
				return false;
			nap(ns);
			ns = ns < NAP_NS_MAX ? ns * 2 : ns;
		} else if (got == -EINTR) {
			continue;
		} else if (got < 0 || !WIFSTOPPED(status)) {
			return false;
		} else if (status >> 16 == PTRACE_EVENT_STOP) {
			return true;
		} else {
			trace(PTRACE_CONT, id, 0,
			      (void *)(long)WSTOPSIG(status));
		}
	}
}

static bool get_set(uint32_t id, long set, void *at, size_t *bytes)
{
	struct iovec room = {at, *bytes};
	if (trace(PTRACE_GETREGSET, id, set, &room) < 0)
		return false;
	*bytes = room.iov_len;
	return true;
}

#if defined(__x86_64__)
#define VECTOR_SET NT_X86_XSTATE
static void note_pointers(struct os_thread *thread)
{
	const struct user_regs_struct *r = (const void *)thread->general;
	thread->stack_pointer = r->rsp;
	thread->thread_pointer = r->fs_base;
}
#elif defined(__aarch64__)
#define VECTOR_SET NT_PRFPREG
static void note_pointers(struct os_thread *thread)
{
	const struct user_regs_struct *r = (const void *)thread->general;
	size_t bytes = sizeof(thread->thread_pointer);
	thread->stack_pointer = r->sp;
	get_set(thread->id, NT_ARM_TLS, &thread->thread_pointer, &bytes);
}
#else
#error "which registers hold the stack and the thread pointer here?"
#endif

static void note_registers(struct os_thread *thread)
{
	size_t general = sizeof(thread->general);
	size_t vector = sizeof(thread->vector);
	if (!get_set(thread->id, NT_PRSTATUS, thread->general, &general))
		return;
	thread->n_general = (uint32_t)(general / sizeof(uintptr_t));
	if (get_set(thread->id, VECTOR_SET, thread->vector, &vector))
		thread->n_vector = (uint32_t)(vector / sizeof(uintptr_t));
	note_pointers(thread);
	thread->is_seen = true;
}

/* True if the thread is there still, although it could not be seized. */
static bool is_there(const struct os_world *world, uint32_t id)
{
	return os_syscall(SYS_tgkill, world->process, id) == 0;
}

/* True if the thread has ended, and is there only in name: a main thread, while
 * others go on. */
static bool has_ended(const struct os_world *world, uint32_t id)
{
	char path[32], text[256];
	char *digit = path + sizeof(path) - sizeof("/stat");
	memcpy(digit, "/stat", sizeof("/stat"));
	for (; id != 0; id /= 10)
		*--digit = (char)('0' + id % 10);
	long fd = os_syscall(SYS_openat, world->tasks_fd, digit,
			     O_RDONLY | O_CLOEXEC);
	long n = os_syscall(SYS_read, fd, text, sizeof(text) - 1);
	os_syscall(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	const char *name_end = strrchr(text, ')');
	return name_end != NULL && (name_end[2] == 'Z' || name_end[2] == 'X');
}

static void seize(struct os_world *world, uint32_t id)
{
	if (is_known(world, id) || world->n_threads == world->n_room)
		return;
	bool is_seized = trace(PTRACE_SEIZE, id, 0, NULL) >= 0;
	if (!is_seized && !is_there(world, id))
		return;
	world->threads[world->n_threads] = (struct os_thread){
		.id = id,
		.is_seized = is_seized,
		.is_ended = !is_seized && has_ended(world, id),
	};
	world->n_threads++;
	if (is_seized)
		trace(PTRACE_INTERRUPT, id, 0, NULL);
}

/* True if all threads are among those noted, now that these stand still. */
static bool is_complete(const struct os_world *world)
{
	uint64_t n = 1; /* the caller */
	for (uint32_t i = 0; i < world->n_threads; i++)
		n += world->threads[i].is_stopped ||
		     is_there(world, world->threads[i].id);
	return n >= count_threads(world);
}

/* A thread that is not stopped yet may start others: until none is new. */
static void stop_all(struct os_world *world)
{
	uint32_t n_done = 0;
	int tries = LIST_TRIES;
	for (;;) {
		visit_tasks(world, seize);
		if (n_done == world->n_threads) {
			if (is_complete(world) || tries-- == 0 ||
			    os_now_ns() > world->deadline_ns)
				return;
			nap(NAP_NS_MIN);
		}
		for (; n_done < world->n_threads; n_done++) {
			struct os_thread *thread = &world->threads[n_done];
			thread->is_stopped = thread->is_seized &&
					     wait_for_stop(world, thread->id);
			if (thread->is_stopped)
				note_registers(thread);
			else
				thread->is_ended |=
					!is_there(world, thread->id);
		}
	}
}

static void helper_main(void *context)
{
	struct os_world *world = context;
	os_syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	/* The program stands still meanwhile. Refused to most but root. */
	os_syscall(SYS_setpriority, PRIO_PROCESS, 0, -20);
	wait_in(world, PREPARING);
	world->deadline_ns = os_now_ns() + world->patience_ns;
	stop_all(world);
	enter(world, STOPPED);
	wait_in(world, STOPPED);
	for (uint32_t i = 0; i < world->n_threads; i++)
		if (world->threads[i].is_stopped)
			trace(PTRACE_DETACH, world->threads[i].id, 0, NULL);
	world->resumed_ns = os_now_ns();
	for (;;)
		os_syscall(SYS_exit, 0);
}

/* --- the caller ------------------------------------------------------ */

static bool map_room(struct os_world *world)
{
	world->n_room = (uint32_t)count_threads(world) + ROOM_MORE;
	size_t page = os_page_bytes();
	size_t bytes = world->n_room * sizeof(struct os_thread);
	world->map_bytes = (bytes + page - 1) & ~(page - 1);
	world->threads = os_map(world->map_bytes);
	return world->threads != NULL;
}

static void note_unstopped(struct os_world *world, uint32_t id)
{
	if (world->n_threads < world->n_room)
		world->threads[world->n_threads++].id = id;
}

static bool start_helper(struct os_world *world)
{
	/* One world is stopped at a time. Never given back: a sanitizer keeps
	 * notes of frames, and the helper ends without leaving its own. */
	static _Alignas(64) char stack[HELPER_STACK_BYTES];
	char *top = stack + sizeof(stack);
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_UNTRACED |
		    CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID;
	long id =
		os_clone(flags, top, helper_main, world, &world->helper_lives);
	world->helper = id > 0 ? (uint32_t)id : 0;
	return id > 0;
}

void os_stop(struct os_world *world, unsigned ms)
{
	*world = (struct os_world){
		.patience_ns = (uint64_t)ms * 1000000,
		.caller = (uint32_t)os_syscall(SYS_gettid),
		.process = (uint32_t)os_syscall(SYS_getpid),
		.tasks_fd = os_syscall(SYS_openat, AT_FDCWD, "/proc/self/task",
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	if (world->tasks_fd < 0 || !map_room(world))
		return;
	if (count_threads(world) == 1) {
		/* Alone: nobody else can start a thread. */
		world->is_stopped = true;
		return;
	}
	if (!start_helper(world)) {
		visit_tasks(world, note_unstopped);
		return;
	}
	/* Yama lets a process be traced by those it names. */
	os_syscall(SYS_prctl, PR_SET_PTRACER, world->helper, 0, 0, 0);
	enter(world, MAY_START);
	wait_in(world, MAY_START);
	world->is_stopped = load_acquire(&world->phase) == STOPPED;
	for (uint32_t i = 0; i < world->n_threads; i++)
		if (!world->threads[i].is_stopped &&
		    !world->threads[i].is_ended)
			world->is_stopped = false;
}

uint64_t os_resume(struct os_world *world)
{
	uint64_t resumed_ns = 0;
	if (world->helper != 0) {
		int status;
		enter(world, MAY_END);
		while (os_syscall(SYS_wait4, world->helper, &status, __WALL) ==
		       -EINTR)
			;
		os_syscall(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0);
		resumed_ns = world->resumed_ns;
	}
	if (world->tasks_fd >= 0)
		os_syscall(SYS_close, world->tasks_fd);
	if (world->threads != NULL)
		os_unmap_own((uintptr_t)world->threads, world->map_bytes);
	*world = (struct os_world){.tasks_fd = -1};
	return resumed_ns;
}
