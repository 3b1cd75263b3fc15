/*
 * put: what records refer to, each once and before them: modules and stacks.
 */
#ifndef TARN_TRACE_PUT_H
#define TARN_TRACE_PUT_H

#include "trace/trace.h"

struct put {
	struct trace *trace;
	struct wire_writer writer;
	uint64_t *written_modules;
	uint64_t *written_sites;
	uint32_t n_sites;
};

/* Starts a report into FD with WIRE_PROCESS; false if there is no memory. */
bool put_begin(struct put *put, struct trace *trace, int fd);

void put_module(struct put *put, uint32_t id);

/* WORD is what is noted of a block; the site in it. */
uint32_t put_site(struct put *put, uint32_t word);

#endif
