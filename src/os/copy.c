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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/syscall.h"

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
	if (os_syscall(SYS_close_range, 0, UINT32_MAX, UNSHARE_DESCRIPTORS, 0,
		       0, 0) == 0)
		return true;
	if (os_syscall(SYS_unshare, CLONE_FILES, 0, 0, 0, 0, 0) != 0)
		return false;
	struct rlimit limit = {.rlim_cur = 1024};
	os_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit, 0, 0);
	for (rlim_t fd = 0; fd < limit.rlim_cur; fd++)
		os_syscall(SYS_close, (long)fd, 0, 0, 0, 0, 0);
	return true;
}

static int run(void *context)
{
	const struct start *start = context;
	if (leave_descriptors())
		start->child(start->context);
	for (;;)
		os_syscall(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

long os_copy(void (*child)(void *context), void *context, char *stack_end)
{
	struct start start = {child, context};
	int id = clone(run, stack_end, CLONE_FILES | CLONE_UNTRACED, &start);
	return id < 0 ? -errno : id;
}

long os_run_apart(void (*child)(void *context), void *context, char *stack_end)
{
	struct start start = {child, context};
	int status,
		flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_UNTRACED;
	int id = clone(run, stack_end, flags, &start);
	if (id < 0)
		return -errno;
	while (os_syscall(SYS_wait4, id, (long)&status, __WALL, 0, 0, 0) ==
	       -EINTR)
		;
	return id;
}

bool os_reap(uint32_t id)
{
	int status;
	long got = os_syscall(SYS_wait4, (long)id, (long)&status,
			      WNOHANG | __WALL, 0, 0, 0);
	return got == (long)id || got == -ECHILD;
}

bool os_reap_any(void)
{
	int status;
	long got;
	do
		got = os_syscall(SYS_wait4, -1, (long)&status,
				 WNOHANG | __WCLONE, 0, 0, 0);
	while (got > 0);
	return got == 0;
}

static void write_file(const char *path, const char *text, size_t bytes)
{
	long fd = os_syscall(SYS_openat, AT_FDCWD, (long)path,
			     O_WRONLY | O_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return;
	os_syscall(SYS_write, fd, (long)text, (long)bytes, 0, 0, 0);
	os_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

void os_be_modest(const char *name)
{
	static const char first[] = "1000";
	struct rlimit none = {0, 0};
	os_syscall(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0, 0);
	os_syscall(SYS_prlimit64, 0, RLIMIT_CORE, (long)&none, 0, 0, 0);
	os_syscall(SYS_setpriority, PRIO_PROCESS, 0, COPY_NICE, 0, 0, 0);
	write_file("/proc/self/oom_score_adj", first, sizeof(first) - 1);
}

bool os_share_make(struct os_share *share, const char *name, size_t bytes)
{
	*share = (struct os_share){.bytes = bytes};
	share->fd = os_syscall(SYS_memfd_create, (long)name, MFD_CLOEXEC, 0, 0,
			       0, 0);
	if (share->fd < 0)
		return false;
	if (os_syscall(SYS_ftruncate, share->fd, (long)bytes, 0, 0, 0, 0) == 0)
		share->page = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				   MAP_SHARED, (int)share->fd, 0);
	if (share->page != NULL && share->page != MAP_FAILED)
		return true;
	os_syscall(SYS_close, share->fd, 0, 0, 0, 0, 0);
	return false;
}

void os_share_end(struct os_share *share)
{
	munmap(share->page, share->bytes);
	os_syscall(SYS_close, share->fd, 0, 0, 0, 0, 0);
}

void os_share_wait(const uint32_t *word, uint32_t value, unsigned ms)
{
	struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
	os_syscall(SYS_futex, (long)word, FUTEX_WAIT, value, (long)&time, 0, 0);
}

void os_share_wake(const uint32_t *word)
{
	os_syscall(SYS_futex, (long)word, FUTEX_WAKE, 1, 0, 0, 0);
}

bool os_share_is_locked(const struct os_share *share)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = 1,
	};
	return os_syscall(SYS_fcntl, share->fd, F_OFD_GETLK, (long)&lock, 0, 0,
			  0) == 0 &&
	       lock.l_type != F_UNLCK;
}
