/*
 * message: the formatter says what printf says, cuts what is too long, and
 * keeps errno.
 */
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/message.h"

/* Formats both ways; they must agree in text and length. */
#define SAME(...)                                                              \
	do {                                                                   \
		char ours[200], theirs[200];                                   \
		int length = snprintf(theirs, sizeof(theirs), __VA_ARGS__);    \
		size_t n = message_format(ours, sizeof(ours), __VA_ARGS__);    \
		cr_assert_str_eq(ours, theirs);                                \
		cr_assert_eq(n, (size_t)length);                               \
	} while (0)

Test(message, numbers_are_as_printf_prints_them)
{
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%u %x", UINT_MAX, UINT_MAX);
	SAME("%zu %llu", SIZE_MAX, ULLONG_MAX);
	SAME("%5u|%-5u|%05u|%5d", 42u, 42u, 42u, -42);
	SAME("%8zu|%-8llu|", (size_t)7, 7ull);
}

Test(message, text_is_as_printf_prints_it)
{
	SAME("plain");
	SAME("%s and %c and %%", "text", 'x');
	SAME("%8s|%-8s|%2s|", "abc", "abc", "abc");
	SAME("%s", "");
}

Test(message, pointers_have_0x_and_lowercase_digits)
{
	char buffer[40];
	message_format(buffer, sizeof(buffer), "%p %p", (void *)0xDEADBEEF1234,
		       NULL);
	cr_assert_str_eq(buffer, "0xdeadbeef1234 0x0");
}

Test(message, what_does_not_fit_is_cut_and_terminated)
{
	char buffer[8];
	memset(buffer, 'z', sizeof(buffer));
	cr_assert_eq(message_format(buffer, 5, "%s", "abcdefgh"), 4);
	cr_assert_str_eq(buffer, "abcd");
	cr_assert_eq(buffer[5], 'z');
	cr_assert_eq(message_format(buffer, 1, "%d", 7), 0);
	cr_assert_eq(buffer[0], '\0');
	buffer[0] = 'q';
	cr_assert_eq(message_format(buffer, 0, "%d", 7), 0);
	cr_assert_eq(buffer[0], 'q');
}

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t n = 0;
	ssize_t got;
	while (n < size - 1 && (got = read(fd, buffer + n, size - 1 - n)) > 0)
		n += (size_t)got;
	buffer[n] = '\0';
	return n;
}

Test(message, a_line_has_the_prefix_and_a_newline_and_keeps_errno)
{
	char text[100];
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	message_set_fd(ends[1]);
	errno = 77;
	message_print("%u bytes", 12u);
	cr_assert_eq(errno, 77);
	close(ends[1]);
	message_print("to nobody");
	cr_assert_eq(errno, 77);
	read_all(ends[0], text, sizeof(text));
	cr_assert_str_eq(text, "tarn: 12 bytes\n");
}

Test(message, a_line_that_is_too_long_still_ends_with_a_newline)
{
	char text[2 * MESSAGE_BYTES], longest[2 * MESSAGE_BYTES];
	int ends[2];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	cr_assert_eq(pipe(ends), 0);
	message_set_fd(ends[1]);
	message_print("%s", longest);
	close(ends[1]);
	size_t n = read_all(ends[0], text, sizeof(text));
	cr_assert_leq(n, MESSAGE_BYTES);
	cr_assert_geq(n, MESSAGE_BYTES - 2);
	cr_assert_eq(text[n - 1], '\n');
}

Test(message, abort_raises_sigabrt, .signal = SIGABRT)
{
	message_set_fd(open("/dev/null", O_WRONLY));
	message_abort("the end");
}

static void interrupt(int signal)
{
	(void)signal;
}

/* A pipe that is full makes write(2) wait; the alarm interrupts it. */
Test(message, an_interrupted_write_goes_on)
{
	static char text[1 << 17], got[1 << 18];
	struct sigaction action = {.sa_handler = interrupt};
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	memset(text, 'y', sizeof(text));
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	pid_t writer = fork();
	if (writer == 0) {
		close(ends[0]);
		_exit(message_write(ends[1], text, sizeof(text)) ? 0 : 1);
	}
	close(ends[1]);
	for (int i = 0; i < 20; i++) {
		usleep(1000);
		kill(writer, SIGUSR1);
	}
	cr_assert_eq(read_all(ends[0], got, sizeof(got)), sizeof(text));
}

Test(message, a_write_that_cannot_be_made_is_told)
{
	cr_assert_not(message_write(-1, "x", 1));
	cr_assert_eq(errno, EBADF);
	cr_assert(message_write(-1, "x", 0));
}
