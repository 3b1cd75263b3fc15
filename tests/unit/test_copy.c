/*
 * copy: what a copy of the process has, what it has not, and that nobody
 * notices it.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic.h"
#include "os/copy.h"

static _Alignas(64) char stack[65536];
static char *const stack_end = stack + sizeof(stack);

/* Shared with copies. */
static struct told {
	uint32_t is_there;
	uint32_t may_go;
	uint32_t n_open;
	int value;
} * told;

static int value = 1;
static volatile sig_atomic_t n_signals;

static void set_up(void)
{
	told = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(told, MAP_FAILED);
}

static void wait_until(const uint32_t *word)
{
	while (load_acquire(word) == 0)
		os_share_wait(word, 0, 100);
}

static void set(uint32_t *word)
{
	store_release(word, 1);
	os_share_wake(word);
}

static void bury(long id)
{
	while (!os_reap((uint32_t)id))
		usleep(1000);
}

static void look_around(void *context)
{
	struct stat status;
	(void)context;
	for (int fd = 0; fd < 64; fd++)
		told->n_open += fstat(fd, &status) == 0;
	value++;
	told->value = value;
	set(&told->is_there);
	wait_until(&told->may_go);
}

Test(copy, has_the_memory_but_no_descriptor, .init = set_up)
{
	int fd = open("/dev/null", O_RDONLY);
	long id = os_copy(look_around, NULL, stack_end);
	cr_assert_gt(id, 0);
	wait_until(&told->is_there);
	cr_expect_eq(told->n_open, 0);
	cr_expect_eq(told->value, 2);
	cr_expect_eq(value, 1, "what it writes is its own");
	cr_expect_geq(fcntl(fd, F_GETFD), 0, "ours are open still");
	set(&told->may_go);
	bury(id);
	close(fd);
}

Test(copy, keeps_no_connection_open, .init = set_up)
{
	int ends[2];
	char byte;
	cr_assert_eq(pipe(ends), 0);
	long id = os_copy(look_around, NULL, stack_end);
	wait_until(&told->is_there);
	close(ends[1]);
	cr_expect_eq(read(ends[0], &byte, 1), 0, "the end of the file");
	set(&told->may_go);
	bury(id);
}

Test(copy, is_no_child_for_wait, .init = set_up)
{
	long id = os_copy(look_around, NULL, stack_end);
	wait_until(&told->is_there);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_expect_eq(errno, ECHILD);
	cr_expect(!os_reap((uint32_t)id), "it lives");
	set(&told->may_go);
	bury(id);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	cr_expect_eq(errno, ECHILD);
}

static void count_signal(int signal_number)
{
	(void)signal_number;
	n_signals++;
}

Test(copy, ends_without_a_signal, .init = set_up)
{
	struct sigaction action = {.sa_handler = count_signal};
	for (int i = 1; i < SIGRTMIN; i++)
		sigaction(i, &action, NULL);
	set(&told->may_go);
	bury(os_copy(look_around, NULL, stack_end));
	cr_expect_eq(n_signals, 0);
}

static void add_one(void *context)
{
	++*(int *)context;
	value += fcntl(STDERR_FILENO, F_GETFD) >= 0;
}

Test(copy, apart_has_our_memory_but_no_descriptor)
{
	int n = 41;
	cr_assert_gt(os_run_apart(add_one, &n, stack_end), 0);
	cr_expect_eq(n, 42);
	cr_expect_eq(value, 1);
	cr_expect_eq(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	cr_expect_eq(errno, ECHILD);
}

Test(copy, a_share_is_found_by_its_name_and_tells_who_has_it)
{
	struct os_share share;
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1};
	char path[64], target[64] = "";
	cr_assert(os_share_make(&share, "tarn.cafe0123", 4096));
	snprintf(path, sizeof(path), "/proc/self/fd/%ld", share.fd);
	cr_assert_gt(readlink(path, target, sizeof(target) - 1), 0);
	cr_expect_str_eq(target, "/memfd:tarn.cafe0123 (deleted)");
	int fd = open(path, O_RDWR);
	cr_expect(!os_share_is_locked(&share));
	cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
	cr_expect(os_share_is_locked(&share));
	cr_assert_eq(pwrite(fd, "word", 4, 0), 4);
	cr_expect_eq(memcmp(share.page, "word", 4), 0);
	close(fd);
	cr_expect(!os_share_is_locked(&share));
	os_share_end(&share);
}
