/*
 * copy: clone(2), and files in memory.
 */
#define _GNU_SOURCE
#include "os/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/syscall.h"
#include "os/clone.h"
#include "os/memory.h"
#include "os/own.h"

#define UNSHARE_DESCRIPTORS (1 << 1) /* CLOSE_RANGE_UNSHARE */
#define COPY_NICE 10

struct start {
	void (*child)(void *context);
	void *context;
};

/* The child has the descriptors in common with its parent until it says that it
 * wants its own, and then wants none of them: so nothing is ever held open
 * twice. */
static bool leave_descriptors(void)
{
	if (os_syscall(SYS_close_range, 0, UINT32_MAX, UNSHARE_DESCRIPTORS) ==
	    0)
		return true;
	if (os_syscall(SYS_unshare, CLONE_FILES) != 0)
		return false;
	struct rlimit limit = {.rlim_cur = 1024};
	os_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
	for (rlim_t fd = 0; fd < limit.rlim_cur; fd++)
		os_syscall(SYS_close, fd);
	return true;
}

static void run(void *context)
{
	const struct start *start = context;
	if (leave_descriptors())
		start->child(start->context);
	for (;;)
		os_syscall(SYS_exit, 0);
}

long os_copy(void (*child)(void *context), void *context, char *stack_end)
{
	struct start start = {child, context};
	return os_clone(CLONE_FILES | CLONE_UNTRACED, stack_end, run, &start,
			NULL);
}

long os_run_apart(void (*child)(void *context), void *context, char *stack_end)
{
	struct start start = {child, context};
	int status;
	long id =
		os_clone(CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_UNTRACED,
			 stack_end, run, &start, NULL);
	while (id > 0 && os_syscall(SYS_wait4, id, &status, __WALL) == -EINTR)
		;
	return id;
}

bool os_reap(uint32_t id)
{
	int status;
	long got = os_syscall(SYS_wait4, id, &status, WNOHANG | __WALL);
	return got == (long)id || got == -ECHILD;
}

bool os_reap_any(void)
{
	int status;
	long got;
	do
		got = os_syscall(SYS_wait4, -1, &status, WNOHANG | __WCLONE);
	while (got > 0);
	return got == 0;
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	long fd = os_syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	os_syscall(SYS_write, fd, text, bytes);
	os_syscall(SYS_close, fd);
}

void os_be_modest(const char *name)
{
	static const char first[] = "1000";
	struct rlimit none = {0, 0};
	os_syscall(SYS_prctl, PR_SET_NAME, name);
	os_syscall(SYS_prlimit64, 0, RLIMIT_CORE, &none);
	os_syscall(SYS_setpriority, PRIO_PROCESS, 0, COPY_NICE);
	write_file("/proc/self/oom_score_adj", first, sizeof(first) - 1);
}

bool os_share_make(struct os_share *share, const char *name, size_t bytes)
{
	*share = (struct os_share){.bytes = bytes};
	share->fd = os_syscall(SYS_memfd_create, name, MFD_CLOEXEC);
	if (share->fd < 0)
		return false;
	if (os_syscall(SYS_ftruncate, share->fd, bytes) == 0)
		share->page = os_map_own_shared(bytes, share->fd);
	if (share->page != NULL)
		return true;
	os_syscall(SYS_close, share->fd);
	return false;
}

void os_share_end(struct os_share *share)
{
	os_unmap_own((uintptr_t)share->page, share->bytes);
	os_syscall(SYS_close, share->fd);
}

void os_share_wait(const uint32_t *word, uint32_t value, unsigned ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
	os_syscall(SYS_futex, word, FUTEX_WAIT, value, &time);
}

void os_share_wake(const uint32_t *word)
{
	os_syscall(SYS_futex, word, FUTEX_WAKE, 1);
}

bool os_share_is_locked(const struct os_share *share)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};
	return os_syscall(SYS_fcntl, share->fd, F_OFD_GETLK, &lock) == 0 &&
	       lock.l_type != F_UNLCK;
}
