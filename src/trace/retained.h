/*
 * retained: what would be freed with each component of the lost blocks.
 *
 * A component retains what every way to it, from a component that nothing
 * holds, leads through it: its subtree in the dominator tree of the components.
 * What hangs directly below the root of that tree, and is held by something, is
 * shared by several.
 *
 * Law: the bytes retained by the children of the root add up to all lost bytes.
 */
#ifndef TARN_TRACE_RETAINED_H
#define TARN_TRACE_RETAINED_H

#include "trace/graph.h"

struct retained {
	uint32_t *dominator; /* of each component; RETAINED_ROOT for none */
	uint32_t *top; /* its ancestor, or itself, directly below the root */
	uint64_t *blocks;
	uint64_t *bytes;
};

#define RETAINED_ROOT UINT32_MAX

bool retained_compute(struct retained *retained, const struct graph *graph);

#endif
