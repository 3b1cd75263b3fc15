/*
 * visit: what a trace found, for programs.
 */
#ifndef TARN_API_VISIT_H
#define TARN_API_VISIT_H

#include "tarn.h"
#include "trace/trace.h"

struct visit {
	tarn_finding_visitor *visitor; /* or NULL */
	void *context;
	struct tarn_trace_summary summary; /* filled in */
};

/* Fills in the summary of a trace that looked as LOOK says, or at all if that
 * is NULL; then visits the findings. */
void visit_trace(struct visit *visit, struct trace *trace,
		 const struct generation_look *look);

/* Of *FROM, which has KNOWN bytes, as much as *TO has room for, which is SIZE;
 * zeros for the rest. */
void visit_copy(void *to, size_t size, const void *from, size_t known);

#endif
