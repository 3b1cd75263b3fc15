/*
 * refuse: a program in a state that makes it hard to ask.
 *
 *	refuse TICKS STATE [NUMBER | SYSTEM-CALL]
 *
 * It gets into STATE, a function below, and then counts in the file TICKS,
 * every 10 ms, as long as it goes on, beside its id; one block of 4,321 bytes
 * in it is lost. It ends when the file is removed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOST_BYTES 4321
#define TICK_NS 10000000

static char **own_arguments;
static int ticks_fd;

static void fail(const char *what)
{
	fprintf(stderr, "refuse: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void nap(void)
{
	nanosleep(&(struct timespec){0, TICK_NS}, NULL);
}

static void start(void *(*body)(void *argument))
{
	pthread_attr_t attributes;
	pthread_t thread;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)128 << 10);
	if (pthread_create(&thread, &attributes, body, NULL) != 0)
		fail("pthread_create");
}

static void *sleep_for_good(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void *spin(void *argument)
{
	for (volatile int i = 0;; i++)
		;
	return argument;
}

static void plain(long number)
{
	(void)number;
}

static void see(int signal_number)
{
	(void)signal_number;
}

static void handled(long number)
{
	(void)number;
	signal(SIGURG, see);
}

static void ignored(long number)
{
	(void)number;
	signal(SIGURG, SIG_IGN);
}

static void reset(long number)
{
	(void)number;
	signal(SIGURG, SIG_DFL);
}

static void blocked(long number)
{
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (; number > 0; number--)
		start(sleep_for_good);
}

static void undumpable(long number)
{
	(void)number;
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		fail("prctl");
}

/* System call NUMBER fails with EPERM. */
static void filtered(long number)
{
	start(sleep_for_good);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
		fail("prctl");
}

static void many_threads(long number)
{
	for (; number > 0; number--)
		start(sleep_for_good);
}

static void busy(long number)
{
	for (; number > 0; number--)
		start(spin);
}

static void many_descriptors(long number)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	/* The limit may be lower; then a few are left. */
	int last = 0;
	for (; number > 0 && last >= 0; number--)
		last = dup(0);
	for (int i = 0; last < 0 && i < 8; i++)
		close((int)limit.rlim_cur - 1 - i);
}

char *volatile held_block; /* not static: it is held */

/* NUMBER GiB of the heap, and as much beside it, of which little is used. */
static void sparse(long number)
{
	size_t bytes = (size_t)number << 30;
	char *block = malloc(bytes);
	char *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!block || mapped == MAP_FAILED)
		fail("no address space");
	for (size_t at = 0; at < bytes; at += bytes / 16)
		block[at] = mapped[at] = 1;
	held_block = block;
}

/* A heap of 32 MiB in small blocks; address space is used up but for NUMBER
 * MiB. */
static void narrow(long number)
{
	static void **held;
	for (size_t i = 0; i < ((size_t)32 << 20) / 64; i++) {
		void **block = malloc(64);
		*block = held;
		held = block;
	}
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);
	start(sleep_for_good);
	if (read(fd, text, sizeof(text) - 1) <= 0)
		fail("statm");
	close(fd);
	rlim_t now = strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
	rlim_t most = now + ((rlim_t)number << 20);
	struct rlimit limit = {most, most};
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		fail("setrlimit");
}

static void without_processes(long number)
{
	struct rlimit none = {0, 0};
	start(sleep_for_good);
	(void)number;
	if (setrlimit(RLIMIT_NPROC, &none) != 0)
		fail("setrlimit");
}

/* While its child sleeps, NUMBER times 10 ms, the thread cannot be stopped. */
static long vfork_naps;

static void *wait_for_vfork(void *argument)
{
	for (;;) {
		pid_t child = vfork();
		if (child == 0) {
			for (long i = 0; i < vfork_naps; i++)
				nap();
			_exit(0);
		}
		waitpid(child, NULL, 0);
		nap();
	}
	return argument;
}

static void vforking(long number)
{
	vfork_naps = number;
	start(wait_for_vfork);
}

/* --- never the same for long: ticks are made on the way ------------------- */

static void tick(void)
{
	char text[32];
	if (access(own_arguments[1], F_OK) != 0)
		_exit(0);
	if (pread(ticks_fd, text, sizeof(text), 0) < 0)
		fail("ticks");
	long n = strtol(text, NULL, 10) + 1;
	int length =
		snprintf(text, sizeof(text), "%09ld %07d\n", n, (int)getpid());
	if (pwrite(ticks_fd, text, (size_t)length, 0) != length)
		fail("ticks");
}

/* Another program, again and again, in the same process. */
static void executing(long number)
{
	for (long i = 0; i < number; i++) {
		nap();
		tick();
	}
	execv("/proc/self/exe", own_arguments);
	fail("execv");
}

static void forking(long number)
{
	for (;;) {
		for (long i = 0; i < number; i++) {
			pid_t child = fork();
			if (child == 0)
				_exit(0);
			waitpid(child, NULL, 0);
		}
		tick();
	}
}

/* The lifetime of a process is NUMBER times 10 ms; its child goes on. */
static void moving_on(long number)
{
	for (;;) {
		for (long i = 0; i < number; i++) {
			nap();
			tick();
		}
		if (fork() != 0)
			_exit(0);
	}
}

static const struct state {
	const char *name;
	void (*enter)(long number);
} states[] = {
	{"plain", plain},
	{"handled", handled},
	{"ignored", ignored},
	{"reset", reset},
	{"blocked", blocked},
	{"undumpable", undumpable},
	{"filtered", filtered},
	{"threads", many_threads},
	{"busy", busy},
	{"descriptors", many_descriptors},
	{"sparse", sparse},
	{"narrow", narrow},
	{"without_processes", without_processes},
	{"vforking", vforking},
	{"executing", executing},
	{"forking", forking},
	{"moving_on", moving_on},
};

static const struct {
	const char *name;
	long number;
} names[] = {
	{"clone", SYS_clone},
	{"memfd_create", SYS_memfd_create},
	{"process_vm_readv", SYS_process_vm_readv},
	{"ptrace", SYS_ptrace},
};

static long parse_number(const char *text)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, text) == 0)
			return names[i].number;
	return strtol(text, NULL, 10);
}

static void *lose(void *argument)
{
	void *volatile forgotten = calloc(1, LOST_BYTES);
	forgotten = NULL;
	(void)forgotten;
	return argument;
}

int main(int n, char **arguments)
{
	pthread_t thread;
	if (n < 3)
		return 2;
	own_arguments = arguments;
	ticks_fd = open(arguments[1], O_RDWR | O_CREAT, 0666);
	if (ticks_fd < 0)
		fail(arguments[1]);
	if (pthread_create(&thread, NULL, lose, NULL) != 0)
		fail("pthread_create");
	pthread_join(thread, NULL);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].name, arguments[2]) == 0)
			states[i].enter(n > 3 ? parse_number(arguments[3]) : 0);
	for (;;) {
		tick();
		nap();
		free(malloc(1000));
	}
}
