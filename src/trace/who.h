/*
 * who: the shortest way from a root to a block, and all that points to it.
 *
 * A search breadth first over all that is live, in the same order of certainty
 * as a trace: from roots by pointers to the start, then from mappings, then by
 * pointers to the inside. Of each block it is noted where the pointer stands
 * that reached it first.
 */
#ifndef TARN_TRACE_WHO_H
#define TARN_TRACE_WHO_H

#include "trace/trace.h"

/*
 * Writes WIRE_PROCESS, WIRE_WHO, WIRE_STEPs and WIRE_REFERRERs for ADDRESS to
 * FD, with the modules and stacks they need. TRACE is one that trace_begin
 * began. false if there was no memory, or it could not be written.
 */
bool who_write(struct trace *trace, const struct trace_options *options,
	       const struct os_world *world, uintptr_t address, int fd);

#endif
