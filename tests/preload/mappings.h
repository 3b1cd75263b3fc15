/*
 * mappings: what tarn has mapped, learned not from tarn but from its calls.
 *
 * mappings_start() has the program run once more, in a child, whose system
 * calls the parent follows from the first on by ptrace: each that maps, moves
 * or unmaps is noted, with where it came from, in memory that both share.
 * mappings_of() makes a list of ranges of what one object has mapped and nobody
 * has unmapped. Nothing here allocates.
 */
#ifndef TARN_TESTS_MAPPINGS_H
#define TARN_TESTS_MAPPINGS_H

#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAPPINGS_FD "TARN_TEST_MAPPINGS_FD"

enum {
	MAPPING_CALLS_MAX = 20000,
	RANGES_MAX = 4000,
	MAPPINGS_THREADS_MAX = 64,
	MAPPINGS_STOP = SIGTRAP | 0x80,
	MAPPINGS_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL |
			   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC
};

struct range {
	uintptr_t start, end;
};

/* A call as it succeeded: what was taken away, then what came. */
struct mapping_call {
	const void *caller;
	struct range gone, come;
};

/* Written by the parent while the child is stopped. */
struct mapping_calls {
	int n;
	struct mapping_call at[MAPPING_CALLS_MAX];
};

static struct mapping_calls *mapping_calls;

/* The parent's: a thread of the child's in the call that it has begun. */
struct mapping_thread {
	pid_t id;
	uint64_t number, arguments[6];
};

static inline struct range range_of(uint64_t start, uint64_t bytes)
{
	struct range range = {(uintptr_t)start, (uintptr_t)(start + bytes)};
	return range;
}

static inline struct mapping_thread *mappings_thread(pid_t id)
{
	static struct mapping_thread threads[MAPPINGS_THREADS_MAX];
	int i = 0;
	while (i < MAPPINGS_THREADS_MAX - 1 && threads[i].id != 0 &&
	       threads[i].id != id)
		i++;
	threads[i].id = id;
	return &threads[i];
}

static inline void mappings_note(const struct mapping_thread *thread,
				 const void *caller, uint64_t result)
{
	const uint64_t *arguments = thread->arguments;
	struct mapping_call call = {caller, {0, 0}, {0, 0}};
	if (thread->number == SYS_mmap)
		call.come = range_of(result, arguments[1]);
	else if (thread->number == SYS_munmap)
		call.gone = range_of(arguments[0], arguments[1]);
	else if (thread->number == SYS_mremap) {
		call.gone = range_of(arguments[0], arguments[1]);
		call.come = range_of(result, arguments[2]);
	} else
		return;
	if (mapping_calls->n < MAPPING_CALLS_MAX)
		mapping_calls->at[mapping_calls->n++] = call;
}

static inline void mappings_see(pid_t id)
{
	struct __ptrace_syscall_info info;
	struct mapping_thread *thread = mappings_thread(id);
	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof(info), &info) <= 0)
		_exit(EXPECT_SKIPPED);
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		thread->number = info.entry.nr;
		memcpy(thread->arguments, info.entry.args,
		       sizeof(thread->arguments));
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && !info.exit.is_error)
		mappings_note(thread,
			      (const void *)(uintptr_t)info.instruction_pointer,
			      (uint64_t)info.exit.rval);
}

/* Follows all threads of the child to its end, and returns what it returned. */
static inline int mappings_follow(pid_t pid)
{
	int status;
	pid_t id;
	while ((id = waitpid(-1, &status, __WALL)) > 0) {
		int signal = WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
		if (WIFEXITED(status) && id == pid)
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status) && id == pid)
			break;
		if (!WIFSTOPPED(status))
			continue;
		if (signal == MAPPINGS_STOP)
			mappings_see(id);
		if (status >> 16 == PTRACE_EVENT_EXEC)
			mapping_calls->n = 0;
		if (signal == MAPPINGS_STOP || signal == SIGSTOP ||
		    status >> 16 != 0)
			signal = 0;
		ptrace(PTRACE_SETOPTIONS, id, 0, MAPPINGS_OPTIONS);
		ptrace(PTRACE_SYSCALL, id, 0, (long)signal);
	}
	dprintf(STDOUT_FILENO, "died of signal %d\n", WTERMSIG(status));
	return 1;
}

static inline void mappings_share(int fd)
{
	mapping_calls = (struct mapping_calls *)mmap(
		NULL, sizeof(*mapping_calls), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);
	if (mapping_calls == MAP_FAILED)
		expect_skip("no memory to share");
}

/* Returns in the child, whose calls are known. */
static inline void mappings_start(char **argv)
{
	const char *inherited = getenv(MAPPINGS_FD);
	char number[16];
	if (inherited != NULL) {
		mappings_share(atoi(inherited));
		return;
	}
	int fd = memfd_create("calls", 0);
	if (fd < 0 || ftruncate(fd, sizeof(*mapping_calls)) != 0)
		expect_skip("no memory to share");
	mappings_share(fd);
	snprintf(number, sizeof(number), "%d", fd);
	setenv(MAPPINGS_FD, number, 1);
	pid_t pid = fork();
	if (pid > 0)
		_exit(mappings_follow(pid));
	if (pid < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		expect_skip("no child, or no ptrace here");
	raise(SIGSTOP);
	execv("/proc/self/exe", argv);
	expect_skip("the program cannot be started again");
}

struct ranges {
	struct range at[RANGES_MAX];
	int n;
};

static inline void ranges_add(struct ranges *ranges, struct range range)
{
	if (range.start != range.end && EXPECT(ranges->n < RANGES_MAX))
		ranges->at[ranges->n++] = range;
}

static inline void ranges_remove(struct ranges *ranges, struct range gone)
{
	for (int i = ranges->n - 1; i >= 0; i--) {
		struct range old = ranges->at[i];
		if (gone.end <= old.start || old.end <= gone.start)
			continue;
		ranges->at[i] = ranges->at[--ranges->n];
		if (old.start < gone.start)
			ranges_add(ranges,
				   (struct range){old.start, gone.start});
		if (gone.end < old.end)
			ranges_add(ranges, (struct range){gone.end, old.end});
	}
}

static inline size_t overlap(const struct ranges *ranges, struct range range)
{
	size_t bytes = 0;
	for (int i = 0; i < ranges->n; i++) {
		struct range mine = ranges->at[i];
		uintptr_t start =
			mine.start > range.start ? mine.start : range.start;
		uintptr_t end = mine.end < range.end ? mine.end : range.end;
		bytes += start < end ? end - start : 0;
	}
	return bytes;
}

/* What the object at HOME (see expect_home_of) has mapped now, whoever moved it
 * or unmapped some of it. */
static inline void mappings_of(const void *home, struct ranges *ranges)
{
	int n = mapping_calls->n;
	ranges->n = 0;
	EXPECT(n < MAPPING_CALLS_MAX);
	for (int i = 0; i < n; i++) {
		struct mapping_call call = mapping_calls->at[i];
		Dl_info object;
		int is_mine = call.gone.start != call.gone.end
				      ? overlap(ranges, call.gone) > 0
				      : dladdr(call.caller, &object) != 0 &&
						object.dli_fbase == home;
		ranges_remove(ranges, call.gone);
		ranges_remove(ranges, call.come);
		if (is_mine)
			ranges_add(ranges, call.come);
	}
}

static inline size_t ranges_bytes(const struct ranges *ranges)
{
	size_t bytes = 0;
	for (int i = 0; i < ranges->n; i++)
		bytes += ranges->at[i].end - ranges->at[i].start;
	return bytes;
}

/* How much of the ranges the kernel has mappings for: /proc/self/maps. */
static inline size_t ranges_mapped_bytes(const struct ranges *ranges)
{
	static char text[1 << 20];
	size_t length = 0, bytes = 0;
	ssize_t n;
	int fd = open("/proc/self/maps", O_RDONLY);
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	text[length] = '\0';
	for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		char *at = line;
		uintptr_t start = strtoul(at, &at, 16);
		uintptr_t end = strtoul(at + 1, &at, 16);
		bytes += overlap(ranges, (struct range){start, end});
	}
	return bytes;
}

/* How much of the ranges is in memory: bit 63 in /proc/self/pagemap. */
static inline size_t ranges_resident_bytes(const struct ranges *ranges)
{
	static uint64_t entries[8192];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	for (int i = 0; i < ranges->n; i++) {
		uintptr_t at = ranges->at[i].start / page;
		uintptr_t end = ranges->at[i].end / page;
		while (at < end) {
			size_t want = sizeof(entries);
			if (want > (end - at) * sizeof(*entries))
				want = (end - at) * sizeof(*entries);
			ssize_t n = pread(fd, entries, want,
					  (off_t)(at * sizeof(*entries)));
			if (!EXPECT(n > 0))
				break;
			size_t pages = (size_t)n / sizeof(*entries);
			for (size_t j = 0; j < pages; j++)
				bytes += (entries[j] >> 63) * page;
			at += pages;
		}
	}
	close(fd);
	return bytes;
}

#endif
