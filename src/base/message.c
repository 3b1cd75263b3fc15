/*
 * message: a small formatter and one write(2).
 *
 * libc's printf is not used because it may allocate, takes locks and reads the
 * locale. message_fd is set once at start-up and only read afterwards.
 */
#include "base/message.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/syscall.h"

static int message_fd = STDERR_FILENO;

void (*message_before_abort)(void);

/* Atomic, relaxed: threads that abort, told apart by the place of their errno;
 * each looks for itself. */
#define ABORTING_MAX 8
static uintptr_t aborting[ABORTING_MAX];

struct output {
	char *buffer;
	size_t size;
	size_t length;
};

struct field {
	size_t width;
	bool left;
	char pad;
};

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->buffer[out->length++] = c;
}

static void put_padded(struct output *out, struct field field, const char *text,
		       size_t length)
{
	size_t gap = field.width > length ? field.width - length : 0;
	for (; !field.left && gap > 0; gap--)
		put(out, field.pad);
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
	for (; gap > 0; gap--)
		put(out, ' ');
}

/* PREFIX stands before the digits: "-", "0x" or "". */
static void put_number(struct output *out, struct field field,
		       const char *prefix, unsigned long long n, unsigned base)
{
	char digits[32];
	size_t at = sizeof(digits);
	do {
		digits[--at] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n != 0);
	for (size_t i = strlen(prefix); i > 0; i--)
		digits[--at] = prefix[i - 1];
	put_padded(out, field, digits + at, sizeof(digits) - at);
}

static struct field read_field(const char **format)
{
	struct field field = {.pad = ' '};
	for (;; (*format)++) {
		if (**format == '-')
			field.left = true;
		else if (**format == '0')
			field.pad = '0';
		else
			break;
	}
	for (; **format >= '0' && **format <= '9'; (*format)++)
		field.width = field.width * 10 + (size_t)(**format - '0');
	return field;
}

static void put_signed(struct output *out, struct field field, int n)
{
	unsigned long long magnitude =
		n < 0 ? -(unsigned long long)n : (unsigned long long)n;
	put_number(out, field, n < 0 ? "-" : "", magnitude, 10);
}

static void put_string(struct output *out, struct field field, const char *text)
{
	put_padded(out, field, text, strlen(text));
}

size_t message_format_list(char *buffer, size_t size, const char *format,
			   va_list list)
{
	struct output out = {.buffer = buffer, .size = size};
	for (; *format != '\0'; format++) {
		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		format++;
		struct field field = read_field(&format);
		if (*format == 's')
			put_string(&out, field, va_arg(list, const char *));
		else if (*format == 'd')
			put_signed(&out, field, va_arg(list, int));
		else if (*format == 'u')
			put_number(&out, field, "", va_arg(list, unsigned), 10);
		else if (*format == 'x')
			put_number(&out, field, "", va_arg(list, unsigned), 16);
		else if (*format == 'p')
			put_number(&out, field, "0x",
				   (uintptr_t)va_arg(list, void *), 16);
		else if (strncmp(format, "zu", 2) == 0 && *++format)
			put_number(&out, field, "", va_arg(list, size_t), 10);
		else if (strncmp(format, "llu", 3) == 0 && *(format += 2))
			put_number(&out, field, "",
				   va_arg(list, unsigned long long), 10);
		else if (*format == 'c')
			put(&out, (char)va_arg(list, int));
		else if (*format == '%')
			put(&out, '%');
		else
			break;
	}
	if (size > 0)
		buffer[out.length] = '\0';
	return out.length;
}

size_t message_format(char *buffer, size_t size, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	size_t length = message_format_list(buffer, size, format, list);
	va_end(list);
	return length;
}

/* Not by libc's write, which is a point at which a thread may be cancelled. */
bool message_write(int fd, const char *text, size_t length)
{
	while (length > 0) {
		long n = os_syscall(SYS_write, fd, text, length);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			errno = (int)-n;
			return false;
		}
		text += n;
		length -= (size_t)n;
	}
	return true;
}

static PRINTF_LIKE(1, 0) void print_line(const char *format, va_list list)
{
	int saved_errno = errno;
	char line[MESSAGE_BYTES];
	size_t length = message_format(line, sizeof(line), "tarn: ");
	length += message_format_list(line + length, sizeof(line) - length - 1,
				      format, list);
	line[length++] = '\n';
	message_write(message_fd, line, length);
	errno = saved_errno;
}

void message_print(const char *format, ...)
{
	va_list list;
	va_start(list, format);
	print_line(format, list);
	va_end(list);
}

/* False if this thread is aborting already, or as many others as that. */
static bool begin_abort(void)
{
	uintptr_t self = (uintptr_t)&errno;
	for (size_t i = 0; i < ABORTING_MAX; i++) {
		uintptr_t none = 0;
		if (load_relaxed(&aborting[i]) == self)
			return false;
		if (cas_relaxed(&aborting[i], &none, self))
			return true;
	}
	return false;
}

void message_abort(const char *format, ...)
{
	va_list list;
	bool is_first = begin_abort();
	va_start(list, format);
	if (is_first)
		print_line(format, list);
	va_end(list);
	if (message_before_abort != NULL)
		message_before_abort();
	if (!is_first)
		signal(SIGABRT, SIG_DFL);
	abort();
}

void message_set_fd(int fd)
{
	message_fd = fd;
}
