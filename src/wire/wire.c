/*
 * wire: records into a buffer and out of it.
 *
 * The writer is part of the preloaded library: it allocates nothing and calls
 * write(2) alone. The reader trusts nothing that it reads.
 */
#include "wire/wire.h"

#include <errno.h>
#include <string.h>

#include "base/syscall.h"

#define ALIGN 8

static size_t padded(size_t bytes)
{
	return (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t fixed_bytes_of(enum wire_kind kind)
{
	switch (kind) {
	case WIRE_PROCESS:
		return sizeof(struct wire_process);
	case WIRE_MODULE:
		return sizeof(struct wire_module);
	case WIRE_STACK:
		return sizeof(struct wire_stack);
	case WIRE_FINDING:
		return sizeof(struct wire_finding);
	case WIRE_MEMBER:
		return sizeof(struct wire_member);
	case WIRE_EDGE:
		return sizeof(struct wire_edge);
	case WIRE_STATS:
		return sizeof(struct wire_stats);
	case WIRE_WHO:
		return sizeof(struct wire_who);
	case WIRE_STEP:
	case WIRE_REFERRER:
		return sizeof(struct wire_pointer);
	case WIRE_END:
		break;
	}
	return 0;
}

static void flush(struct wire_writer *writer)
{
	size_t done = 0;
	while (!writer->has_failed && done < writer->length) {
		long n =
			os_syscall(SYS_write, writer->fd, writer->buffer + done,
				   writer->length - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (n != -EINTR) {
			writer->has_failed = true;
			errno = (int)-n;
		}
	}
	writer->length = 0;
}

static void put_bytes(struct wire_writer *writer, const void *at, size_t bytes)
{
	const char *from = at;
	while (bytes > 0) {
		size_t room = sizeof(writer->buffer) - writer->length;
		size_t n = bytes < room ? bytes : room;
		memcpy(writer->buffer + writer->length, from, n);
		writer->length += n;
		from += n;
		bytes -= n;
		if (writer->length == sizeof(writer->buffer))
			flush(writer);
	}
}

void wire_start(struct wire_writer *writer, int fd)
{
	struct wire_header header = {WIRE_MAGIC, WIRE_VERSION, 0};
	writer->fd = fd;
	writer->has_failed = false;
	writer->length = 0;
	put_bytes(writer, &header, sizeof(header));
}

void wire_put(struct wire_writer *writer, enum wire_kind kind,
	      const void *fixed, size_t fixed_bytes, const void *tail,
	      size_t tail_bytes)
{
	static const char zeros[ALIGN];
	size_t bytes = fixed_bytes + tail_bytes;
	struct wire_head head = {kind, (uint32_t)bytes};
	put_bytes(writer, &head, sizeof(head));
	put_bytes(writer, fixed, fixed_bytes);
	put_bytes(writer, tail, tail_bytes);
	put_bytes(writer, zeros, padded(bytes) - bytes);
}

bool wire_finish(struct wire_writer *writer)
{
	wire_put(writer, WIRE_END, NULL, 0, NULL, 0);
	flush(writer);
	return !writer->has_failed;
}

enum wire_result wire_open(struct wire_reader *reader, const void *at,
			   size_t length)
{
	struct wire_header header;
	if (length < sizeof(header))
		return WIRE_NOT_A_REPORT;
	memcpy(&header, at, sizeof(header));
	if (memcmp(header.magic, WIRE_MAGIC, sizeof(header.magic)) != 0)
		return WIRE_NOT_A_REPORT;
	if (header.version != WIRE_VERSION)
		return WIRE_OTHER_VERSION;
	*reader = (struct wire_reader){
		.at = (const unsigned char *)at + sizeof(header),
		.left = length - sizeof(header),
	};
	return WIRE_OK;
}

enum wire_result wire_next(struct wire_reader *reader,
			   struct wire_record *record)
{
	struct wire_head head;
	size_t fixed_bytes;
	do {
		if (reader->left < sizeof(head))
			return WIRE_CUT_SHORT;
		memcpy(&head, reader->at, sizeof(head));
		size_t bytes = padded(head.bytes);
		if (reader->left - sizeof(head) < bytes)
			return WIRE_CUT_SHORT;
		*record = (struct wire_record){
			.kind = head.kind,
			.fixed = reader->at + sizeof(head),
		};
		reader->at += sizeof(head) + bytes;
		reader->left -= sizeof(head) + bytes;
	} while (head.kind < WIRE_PROCESS || head.kind > WIRE_END);
	fixed_bytes = fixed_bytes_of(record->kind);
	if (head.bytes < fixed_bytes)
		return WIRE_BROKEN;
	record->tail = (const char *)record->fixed + fixed_bytes;
	record->tail_bytes = head.bytes - fixed_bytes;
	if (record->kind == WIRE_STACK) {
		const struct wire_stack *stack = record->fixed;
		if (record->tail_bytes / sizeof(struct wire_frame) <
		    stack->n_frames)
			return WIRE_BROKEN;
	}
	reader->is_complete = record->kind == WIRE_END;
	return WIRE_OK;
}
