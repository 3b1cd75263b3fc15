/*
 * leak_text: a report as LeakSanitizer writes it, for people, and for tools
 * that read those, when tarn(1) is not there to make a better one.
 */
#ifndef TARN_API_LEAK_TEXT_H
#define TARN_API_LEAK_TEXT_H

#include "trace/trace.h"

struct leak_text {
	int fd;
	uint32_t max_leaks;  /* findings at most; 0: all */
	bool report_objects; /* addresses of blocks too */
};

/* Writes the report; nothing if nothing is lost. Findings with a count of 0 are
 * left out. */
void leak_text_print(const struct leak_text *text, struct trace *trace);

/* A line of the table of what was suppressed; its head before the first. */
void leak_text_put_suppression(const struct leak_text *text, bool is_first,
			       uint64_t n_blocks, uint64_t n_bytes,
			       const char *pattern);

#endif
