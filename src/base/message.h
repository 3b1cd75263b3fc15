/*
 * message: lines for people, made and written without allocating.
 *
 * Everything here may be called from anywhere, also with locks held and before
 * libc is ready. errno is kept.
 */
#ifndef TARN_BASE_MESSAGE_H
#define TARN_BASE_MESSAGE_H

#include <stdarg.h>
#include <stddef.h>

#include "base/attr.h"

/* Longest line, with its newline; longer ones are cut. */
#define MESSAGE_BYTES 512

/*
 * Formats into BUFFER of SIZE bytes, always terminated, and returns the length
 * written without the NUL. Knows %s %c %d %u %x %zu %llu %p %%, a width and
 * a leading minus or zero; %p writes 0x and lowercase digits.
 */
size_t message_format(char *buffer, size_t size, const char *format, ...)
	PRINTF_LIKE(3, 4);
size_t message_format_list(char *buffer, size_t size, const char *format,
			   va_list list) PRINTF_LIKE(3, 0);

/* Writes "tarn: ", the text and a newline to stderr with one write(2). */
void message_print(const char *format, ...) PRINTF_LIKE(1, 2);

/*
 * The same, then abort(3), with no lock of tarn's held: a handler of SIGABRT
 * may allocate. It runs once for each thread that makes a mistake: the next of
 * that thread, in its handler for instance, ends the program without another
 * line.
 */
_Noreturn void message_abort(const char *format, ...) PRINTF_LIKE(1, 2);

/* Fixed at the start: lets go of all locks of the calling thread. */
extern HIDDEN void (*message_before_abort)(void);

/*
 * Writes all of TEXT to FD, again after a signal or a short write. false with
 * errno set by write(2) if it could not.
 */
bool message_write(int fd, const char *text, size_t length);

/* Where message_print writes; 2 at first. */
void message_set_fd(int fd);

#endif
