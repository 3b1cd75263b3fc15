/*
 * load: a client that asks at a steady rate, and how long each answer took.
 *
 * usage: load KIND SOCKET KEYS BYTES fill
 *        load KIND SOCKET KEYS BYTES RATE SECONDS
 *
 * KIND is redis or memcached. The first writes KEYS values of BYTES each, as
 * fast as it can. The second reads and writes at random, RATE requests a second
 * in turn, and prints a line for each: when it was due, by CLOCK_MONOTONIC, and
 * how much later its answer came, both in microseconds. A request is sent when
 * it is due, whether the one before was answered or not, so that a server that
 * stands still is seen by all who would have waited.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define KEY_BYTES 12
#define PENDING_MAX (1 << 16)
#define FILL_AT_ONCE 256

static int is_redis;
static int end;
static size_t value_bytes;
static char value[1 << 20];

/* Requests that were sent, in order: when they were due, and how many bytes of
 * answers there are up to the end of theirs. */
static struct {
	uint64_t due_ns;
	uint64_t answered_at;
} pending[PENDING_MAX];
static uint64_t n_sent, n_answered, bytes_asked, bytes_got;

static void fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t random_next(void)
{
	static uint64_t state = 88172645463325252u;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void connect_to(const char *path)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	strncpy(name.sun_path, path, sizeof(name.sun_path) - 1);
	end = socket(AF_UNIX, SOCK_STREAM, 0);
	if (end < 0 || connect(end, (struct sockaddr *)&name, sizeof(name)))
		fail(path);
}

static void send_all(const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(end, bytes, n, MSG_NOSIGNAL);
		if (sent < 0)
			fail("send");
		bytes += sent;
		n -= (size_t)sent;
	}
}

static size_t decimals(size_t n)
{
	return (size_t)snprintf(NULL, 0, "%zu", n);
}

/* How many bytes the answer has. All values are there and of one size. */
static size_t answer_bytes(int is_write)
{
	if (is_redis)
		return is_write ? strlen("+OK\r\n")
				: 1 + decimals(value_bytes) + 2 + value_bytes +
					  2;
	return is_write ? strlen("STORED\r\n")
			: strlen("VALUE ") + KEY_BYTES + strlen(" 0 ") +
				  decimals(value_bytes) + 2 + value_bytes +
				  strlen("\r\nEND\r\n");
}

static void request(uint64_t key, int is_write, uint64_t due_ns)
{
	char head[256];
	int n;
	if (is_redis && is_write)
		n = snprintf(head, sizeof(head),
			     "*3\r\n$3\r\nSET\r\n$%d\r\n%0*lu\r\n$%zu\r\n",
			     KEY_BYTES, KEY_BYTES, (unsigned long)key,
			     value_bytes);
	else if (is_redis)
		n = snprintf(head, sizeof(head),
			     "*2\r\n$3\r\nGET\r\n$%d\r\n%0*lu\r\n", KEY_BYTES,
			     KEY_BYTES, (unsigned long)key);
	else if (is_write)
		n = snprintf(head, sizeof(head), "set %0*lu 0 0 %zu\r\n",
			     KEY_BYTES, (unsigned long)key, value_bytes);
	else
		n = snprintf(head, sizeof(head), "get %0*lu\r\n", KEY_BYTES,
			     (unsigned long)key);
	send_all(head, (size_t)n);
	if (is_write) {
		send_all(value, value_bytes);
		send_all("\r\n", 2);
	}
	bytes_asked += answer_bytes(is_write);
	if (n_sent - n_answered == PENDING_MAX) {
		errno = ETIMEDOUT;
		fail("too many requests are not answered");
	}
	pending[n_sent % PENDING_MAX].due_ns = due_ns;
	pending[n_sent % PENDING_MAX].answered_at = bytes_asked;
	n_sent++;
}

/* Reads what is there, once; with PRINTS tells about each that is complete. */
static void receive(int prints)
{
	static char buffer[1 << 18];
	ssize_t n = recv(end, buffer, sizeof(buffer), 0);
	if (n <= 0)
		fail("recv");
	/* An answer that says that something is wrong has another length, and
	 * mostly begins so. */
	if (bytes_got == 0 && !strchr("+$SV", buffer[0]))
		fail("another answer than expected");
	uint64_t now = now_ns();
	bytes_got += (uint64_t)n;
	for (; n_answered < n_sent &&
	       pending[n_answered % PENDING_MAX].answered_at <= bytes_got;
	     n_answered++) {
		uint64_t due = pending[n_answered % PENDING_MAX].due_ns;
		if (prints)
			printf("%lu %lu\n", (unsigned long)(due / 1000),
			       (unsigned long)((now - due) / 1000));
	}
}

static void fill(uint64_t n_keys)
{
	for (uint64_t key = 0; key < n_keys;) {
		for (int i = 0; i < FILL_AT_ONCE && key < n_keys; i++, key++)
			request(key, 1, 0);
		while (n_answered < n_sent)
			receive(0);
	}
}

static void wait_until(uint64_t due_ns)
{
	struct pollfd poll_end = {.fd = end, .events = POLLIN};
	uint64_t now;
	while ((now = now_ns()) < due_ns) {
		struct timespec time = {0, (long)(due_ns - now)};
		if (ppoll(&poll_end, 1, &time, NULL) > 0)
			receive(1);
	}
}

static void load(uint64_t n_keys, uint64_t rate, uint64_t seconds)
{
	uint64_t start = now_ns(), n = rate * seconds;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t due = start + i * 1000000000 / rate;
		wait_until(due);
		request(random_next() % n_keys, random_next() % 2 == 0, due);
	}
	while (n_answered < n_sent)
		receive(1);
}

int main(int n, char **arguments)
{
	if (n != 6 && n != 7)
		return 2;
	is_redis = strcmp(arguments[1], "redis") == 0;
	uint64_t n_keys = strtoull(arguments[3], NULL, 10);
	value_bytes = strtoull(arguments[4], NULL, 10);
	if (value_bytes > sizeof(value) || n_keys == 0)
		return 2;
	memset(value, 'v', value_bytes);
	connect_to(arguments[2]);
	if (n == 6)
		fill(n_keys);
	else
		load(n_keys, strtoull(arguments[5], NULL, 10),
		     strtoull(arguments[6], NULL, 10));
	if (bytes_got != bytes_asked)
		fail("another answer than expected");
	return 0;
}
