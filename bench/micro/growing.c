/*
 * growing: buffers that grow by realloc, as strings, arrays and files do.
 *
 * Several grow in turns, so that none has the end of the heap to itself: each
 * time by so many percent, or by a step of so many bytes.
 */
#include "common/load.h"

#include <string.h>

#define BUFFERS_MAX 64

static uint64_t buffers = 8, percent = 25, step = 0, from = 16, to = 1 << 20;
static uint64_t rounds = 100;

static const struct param params[] = {
	{"buffers", &buffers, "that grow in turns"},
	{"percent", &percent, "each grows by, at a time"},
	{"step", &step, "bytes each grows by, instead, unless 0"},
	{"from", &from, "bytes in the beginning"},
	{"to", &to, "bytes in the end"},
	{"rounds", &rounds, "in each of 5 times"},
};

/* What is new is written, the old contents are checked at both ends. */
static char *grow(char *buffer, size_t old_bytes, size_t new_bytes)
{
	buffer = realloc(buffer, new_bytes);
	if (buffer == NULL)
		load_fail("realloc gave no memory");
	if (old_bytes > 0 && (buffer[0] != 'x' || buffer[old_bytes - 1] != 'x'))
		load_fail("a buffer has lost its contents");
	memset(buffer + old_bytes, 'x', new_bytes - old_bytes);
	return buffer;
}

static uint64_t one_round(void)
{
	char *buffer[BUFFERS_MAX] = {NULL};
	size_t old_bytes = 0, new_bytes = from;
	uint64_t n = 0;

	while (new_bytes <= to) {
		for (size_t i = 0; i < buffers; i++)
			buffer[i] = grow(buffer[i], old_bytes, new_bytes);
		n += buffers;
		old_bytes = new_bytes;
		new_bytes += step > 0 ? step : new_bytes * percent / 100 + 1;
	}
	for (size_t i = 0; i < buffers; i++)
		free(buffer[i]);
	return n;
}

static uint64_t work(void)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < rounds; i++)
		n += one_round();
	load_check(n);
	return n;
}

int main(int argc, char **argv)
{
	load_start(argc, argv, "grows buffers by realloc, in turns", params,
		   LENGTH(params));
	if (buffers == 0 || buffers > BUFFERS_MAX || from == 0)
		load_fail("a parameter is out of range");
	load_repeat_alone("ns_per_op", 5, NULL, work);
	return load_end();
}
