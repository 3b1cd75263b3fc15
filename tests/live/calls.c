/*
 * calls: a thread in each system call that may block.
 *
 * None of them has a reason to end but its own time, so EINTR comes from a
 * signal or a stop. What each thread has allocated only its frame holds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "threads.h"

/* The calls that have a time end by it, and are made again. */
#define CALL_MS 400

static const struct timespec call_time = {0, CALL_MS * 1000000L};

static int pipe_read(void)
{
	int ends[2];
	char byte;
	if (pipe(ends) != 0)
		fail("pipe");
	int result = (int)read(ends[0], &byte, 1);
	close(ends[0]);
	close(ends[1]);
	return result;
}

static int pipe_write(void)
{
	static char much[1 << 20];
	int ends[2];
	if (pipe2(ends, O_NONBLOCK) != 0 ||
	    write(ends[1], much, sizeof(much)) < 0)
		fail("pipe");
	fcntl(ends[1], F_SETFL, 0);
	int result = (int)write(ends[1], much, 1);
	close(ends[0]);
	close(ends[1]);
	return result;
}

static int fifo_open(void)
{
	char name[64];
	snprintf(name, sizeof(name), "fifo.%d", (int)gettid());
	if (mkfifo(name, 0600) != 0)
		fail("mkfifo");
	int result = open(name, O_RDONLY);
	unlink(name);
	return result;
}

static int socket_of(int *peer)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		fail("socketpair");
	*peer = ends[1];
	return ends[0];
}

static int socket_recv(void)
{
	int peer, own = socket_of(&peer);
	char byte;
	int result = (int)recv(own, &byte, 1, 0);
	close(own);
	close(peer);
	return result;
}

static int socket_recv_timeout(void)
{
	int peer, own = socket_of(&peer);
	struct timeval time = {0, CALL_MS * 1000};
	char byte;
	setsockopt(own, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	int result = (int)recv(own, &byte, 1, 0);
	int error = errno;
	close(own);
	close(peer);
	errno = error;
	return result < 0 && error == EAGAIN ? 0 : result;
}

static int listener(struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "%d.%d",
		 (int)getpid(), (int)gettid());
	if (fd < 0 || bind(fd, (struct sockaddr *)name, sizeof(*name)) != 0 ||
	    listen(fd, 0) != 0)
		fail("listen");
	return fd;
}

static int socket_accept(void)
{
	struct sockaddr_un name;
	int fd = listener(&name);
	int result = accept(fd, NULL, NULL);
	close(fd);
	return result;
}

/* The second has no room any more. */
static int socket_connect(void)
{
	struct sockaddr_un name;
	int fd = listener(&name), result = 0, client[2];
	for (int i = 0; i < 2; i++) {
		client[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		result = connect(client[i], (struct sockaddr *)&name,
				 sizeof(name));
	}
	close(client[0]);
	close(client[1]);
	close(fd);
	return result;
}

static int do_poll(void)
{
	return poll(NULL, 0, CALL_MS);
}

static int do_ppoll(void)
{
	return ppoll(NULL, 0, &call_time, NULL);
}

static int do_select(void)
{
	struct timeval time = {0, CALL_MS * 1000};
	return select(0, NULL, NULL, NULL, &time);
}

static int do_pselect(void)
{
	return pselect(0, NULL, NULL, NULL, &call_time, NULL);
}

static int do_epoll_wait(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);
	int result = epoll_wait(fd, &event, 1, CALL_MS), error = errno;
	close(fd);
	errno = error;
	return result;
}

static int do_epoll_pwait(void)
{
	struct epoll_event event;
	int fd = epoll_create1(0);
	int result = epoll_pwait(fd, &event, 1, CALL_MS, NULL), error = errno;
	close(fd);
	errno = error;
	return result;
}

static int do_nanosleep(void)
{
	return nanosleep(&call_time, NULL);
}

static int do_clock_nanosleep(void)
{
	errno = clock_nanosleep(CLOCK_REALTIME, 0, &call_time, NULL);
	return errno == 0 ? 0 : -1;
}

static int futex(const struct timespec *time)
{
	uint32_t word = 0;
	int result = (int)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, time,
				  NULL, 0);
	return result < 0 && errno == ETIMEDOUT ? 0 : result;
}

static int futex_forever(void)
{
	return futex(NULL);
}

static int futex_timed(void)
{
	return futex(&call_time);
}

static int do_sem_wait(void)
{
	sem_t semaphore;
	sem_init(&semaphore, 0, 0);
	return sem_wait(&semaphore);
}

static int semaphores(const struct timespec *time)
{
	struct sembuf take = {.sem_op = -1};
	int set = semget(IPC_PRIVATE, 1, 0600);
	if (set < 0)
		fail("semget");
	int result = semtimedop(set, &take, 1, time), error = errno;
	semctl(set, 0, IPC_RMID);
	errno = error;
	return result < 0 && error == EAGAIN ? 0 : result;
}

static int do_semtimedop(void)
{
	return semaphores(&call_time);
}

static int do_msgrcv(void)
{
	struct {
		long type;
		char text[8];
	} message;
	int queue = msgget(IPC_PRIVATE, 0600);
	if (queue < 0)
		fail("msgget");
	int result = (int)msgrcv(queue, &message, sizeof(message.text), 0, 0);
	int error = errno;
	msgctl(queue, IPC_RMID, NULL);
	errno = error;
	return result;
}

static int do_mq_receive(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
	char name[64], text[16];
	snprintf(name, sizeof(name), "/tarn-test-%d", (int)gettid());
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attributes);
	mq_unlink(name);
	if (queue < 0)
		return 0; /* this kernel has none */
	int result = (int)mq_receive(queue, text, sizeof(text), NULL);
	int error = errno;
	mq_close(queue);
	errno = error;
	return result;
}

static int do_sigtimedwait(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	int result = sigtimedwait(&set, NULL, &call_time);
	return result < 0 && errno == EAGAIN ? 0 : result;
}

static int do_sigsuspend(void)
{
	sigset_t all_but_ours;
	sigfillset(&all_but_ours);
	sigdelset(&all_but_ours, SIGURG);
	return sigsuspend(&all_but_ours);
}

static int read_and_close(int fd)
{
	char buffer[4096];
	int result = (int)read(fd, buffer, sizeof(buffer)), error = errno;
	close(fd);
	errno = error;
	return result;
}

static int inotify_read(void)
{
	int fd = inotify_init1(0);
	inotify_add_watch(fd, "/proc/self", IN_CREATE);
	return read_and_close(fd);
}

static int event_read(void)
{
	return read_and_close(eventfd(0, 0));
}

static int signalfd_read(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMAX);
	return read_and_close(signalfd(-1, &set, 0));
}

static int timerfd_read(void)
{
	struct itimerspec time = {.it_value = call_time};
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	timerfd_settime(fd, 0, &time, NULL);
	return read_and_close(fd);
}

static int do_io_getevents(void)
{
	aio_context_t context = 0;
	struct io_event event;
	struct timespec time = call_time;
	if (syscall(SYS_io_setup, 1, &context) != 0)
		return 0; /* this kernel has none */
	int result =
		(int)syscall(SYS_io_getevents, context, 1, 1, &event, &time);
	int error = errno;
	syscall(SYS_io_destroy, context);
	errno = error;
	return result;
}

static int wait_child(void)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		nanosleep(&call_time, NULL);
		_exit(0);
	}
	int result = waitpid(child, &status, 0), error = errno;
	if (result < 0)
		waitpid(child, &status, 0);
	errno = error;
	return result;
}

static int lock_file(bool by_flock)
{
	char name[64];
	snprintf(name, sizeof(name), "lock.%d", (int)gettid());
	int one = open(name, O_RDWR | O_CREAT, 0600);
	int two = open(name, O_RDWR);
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	unlink(name);
	int result =
		by_flock ? flock(one, LOCK_EX) : fcntl(one, F_OFD_SETLK, &lock);
	if (result == 0)
		result = by_flock ? flock(two, LOCK_EX)
				  : fcntl(two, F_OFD_SETLKW, &lock);
	int error = errno;
	close(one);
	close(two);
	errno = error;
	return result;
}

static int do_flock(void)
{
	return lock_file(true);
}

static int do_fcntl_lock(void)
{
	return lock_file(false);
}

static struct call {
	const char *name;
	int (*make)(void);
	atomic_uint n_ended;
	atomic_uint n_interrupted;
} calls[] = {
	{"read (pipe)", pipe_read, 0, 0},
	{"write (pipe)", pipe_write, 0, 0},
	{"open (fifo)", fifo_open, 0, 0},
	{"recv", socket_recv, 0, 0},
	{"recv (SO_RCVTIMEO)", socket_recv_timeout, 0, 0},
	{"accept", socket_accept, 0, 0},
	{"connect", socket_connect, 0, 0},
	{"poll", do_poll, 0, 0},
	{"ppoll", do_ppoll, 0, 0},
	{"select", do_select, 0, 0},
	{"pselect", do_pselect, 0, 0},
	{"epoll_wait", do_epoll_wait, 0, 0},
	{"epoll_pwait", do_epoll_pwait, 0, 0},
	{"nanosleep", do_nanosleep, 0, 0},
	{"clock_nanosleep", do_clock_nanosleep, 0, 0},
	{"futex", futex_forever, 0, 0},
	{"futex (timed)", futex_timed, 0, 0},
	{"sem_wait", do_sem_wait, 0, 0},
	{"semtimedop", do_semtimedop, 0, 0},
	{"msgrcv", do_msgrcv, 0, 0},
	{"mq_receive", do_mq_receive, 0, 0},
	{"sigtimedwait", do_sigtimedwait, 0, 0},
	{"sigsuspend", do_sigsuspend, 0, 0},
	{"read (inotify)", inotify_read, 0, 0},
	{"read (eventfd)", event_read, 0, 0},
	{"read (signalfd)", signalfd_read, 0, 0},
	{"read (timerfd)", timerfd_read, 0, 0},
	{"io_getevents", do_io_getevents, 0, 0},
	{"wait4", wait_child, 0, 0},
	{"flock", do_flock, 0, 0},
	{"fcntl (F_OFD_SETLKW)", do_fcntl_lock, 0, 0},
};

#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static void *make_calls(void *argument)
{
	struct call *call = argument;
	for (;;) {
		void *block = new_block(200);
		errno = 0;
		int result = call->make();
		if (result < 0 && errno != EINTR) {
			fprintf(stderr, "threads: %s: %s\n", call->name,
				strerror(errno));
			_exit(1);
		}
		call->n_ended++;
		call->n_interrupted += result < 0;
		check_block(block);
		free(block);
		/* A kernel without it must not make us run. */
		nanosleep(&(struct timespec){0, 100000}, NULL);
	}
	return NULL;
}

void calls_start(void)
{
	for (size_t i = 0; i < N_CALLS; i++)
		start_thread(make_calls, &calls[i]);
}

void calls_print(void)
{
	for (size_t i = 0; i < N_CALLS; i++)
		printf("%s: ended %u interrupted %u\n", calls[i].name,
		       calls[i].n_ended, calls[i].n_interrupted);
}
