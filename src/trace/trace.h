/*
 * trace: one run of the tracer, from the stopped world to a report.
 *
 *	snapshot    which blocks are live                  world stopped
 *	roots       what is reached from outside               |
 *	mark        what is reached from there                 |
 *	graph       the lost blocks, cycles, who retains whom  |
 *	findings    equal ones as one                          |
 *	examples    blocks and pointers to show             it runs
 *
 * Nothing here allocates from the heap or waits for a thread that is stopped.
 */
#ifndef TARN_TRACE_TRACE_H
#define TARN_TRACE_TRACE_H

#include "trace/example.h"
#include "trace/generations.h"
#include "trace/mark.h"
#include "trace/roots.h"

struct trace_options {
	unsigned root_kinds;	 /* ROOT_ALL */
	uintptr_t stack_pointer; /* the caller's frames lie above */
	const struct root_range *regions;
	size_t n_regions;
	/* Blocks that are not lost, nor what they hold. */
	const uintptr_t *ignored;
	size_t n_ignored;
	bool wants_possible; /* findings for those too, not only totals */
	bool wants_reached;  /* also for blocks that are held */
	/* Looks before this one, and the blocks that were lost in all of them:
	 * others are not said to be lost. */
	uint32_t n_looks;
	const uint64_t *known;
	size_t n_known;
	/* Tarn's own memory besides the trace itself. */
	const struct root_range *hidden;
	size_t n_hidden;
	uintptr_t interrupted; /* the stack pointer that a handler found */
	uint32_t original;     /* in a copy of it: its id; else 0 */
	struct generation_look *look; /* NULL: everything is looked at */
};

struct trace {
	struct work work;
	struct snapshot snapshot;
	struct mark mark;
	struct graph graph;
	struct findings findings;
	uint64_t *unconfirmed; /* bits: lost now, not before; NULL: none */
	struct os_reader *reader;
	struct example *example;
	/* Totals; name, modules and findings are told apart from it. */
	struct wire_process process;
};

/*
 * Traces. false if there was not enough memory: then only the flags of
 * `process` count. trace_end must follow in any case. Takes all locks of the
 * heap; must not be called while this thread has any.
 */
bool trace_take(struct trace *trace, const struct trace_options *options);
void trace_end(struct trace *trace);

/*
 * The same in two steps, for a copy of the process: the heap's locks are held
 * or nobody else is there, and no thread of WORLD runs.
 */
void trace_begin(struct trace *trace, const struct os_world *world);
bool trace_take_stopped(struct trace *trace,
			const struct trace_options *options,
			const struct os_world *world);

/* The roots that OPTIONS want, to be looked at by marking; before
 * snapshot_take. */
struct roots trace_roots(struct trace *trace,
			 const struct trace_options *options,
			 const struct os_world *world);

/* Lets ROOTS hold what the program has said is no leak. */
void trace_hold_ignored(struct roots *roots,
			const struct trace_options *options);

/* Calls VISIT with each block that is lost in this look, confirmed or not, as
 * long as it wants. */
void trace_visit_lost(const struct trace *trace,
		      bool (*visit)(void *context, uintptr_t block),
		      void *context);

/* The example of the finding of rank I; valid until the next call. */
const struct example *trace_example(struct trace *trace, uint32_t i);

static inline const struct finding *trace_finding(const struct trace *trace,
						  uint32_t i)
{
	return &trace->findings.all[trace->findings.by_rank[i]];
}

/* The figures of the finding of rank I; they may be changed. */
static inline struct wire_finding *trace_wire(struct trace *trace, uint32_t i)
{
	return &trace->findings.all[trace->findings.by_rank[i]].wire;
}

/* Writes the report; false with errno if it could not. */
bool trace_write(struct trace *trace, int fd);

#endif
