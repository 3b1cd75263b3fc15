/*
 * process: what the kernel says of this process. Nothing here allocates.
 */
#ifndef TARN_TESTS_PROCESS_H
#define TARN_TESTS_PROCESS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

/* Field INDEX of /proc/self/statm, in bytes: 0 is all that is mapped, 1 what is
 * in memory. */
static inline size_t process_statm(int index)
{
	char text[256];
	int fd = open("/proc/self/statm", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	char *at = text;
	size_t pages = strtoul(at, &at, 10);
	for (int i = 0; i < index; i++)
		pages = strtoul(at, &at, 10);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static inline size_t process_mapped_bytes(void)
{
	return process_statm(0);
}

static inline size_t process_resident_bytes(void)
{
	return process_statm(1);
}

/* How many mappings there are. */
static inline size_t process_mappings(void)
{
	char text[4096];
	size_t lines = 0;
	int fd = open("/proc/self/maps", O_RDONLY);
	ssize_t n;
	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	close(fd);
	return lines;
}

/* Waits for a child. True if it returned 0 and was not killed. */
static inline int process_succeeds(pid_t pid)
{
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 0;
	if (WIFSIGNALED(status))
		dprintf(STDOUT_FILENO, "a child died of signal %d\n",
			WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
