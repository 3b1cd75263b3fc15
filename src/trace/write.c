/*
 * write: a trace as records of wire/wire.h, each finding with its example.
 */
#include "trace/put.h"

static void put_finding(struct put *put, uint32_t i)
{
	const struct example *example = trace_example(put->trace, i);
	struct wire_finding finding = trace_finding(put->trace, i)->wire;
	finding.n_members = example->n_members;
	finding.site = put_site(put, finding.site);
	for (uint32_t m = 0; m < example->n_members; m++) {
		put_site(put, example->members[m].wire.site);
		put_module(put, example->members[m].wire.first_word_module);
	}
	const struct example_member *first = &example->members[0];
	wire_put(&put->writer, WIRE_FINDING, &finding, sizeof(finding),
		 first->type, example->n_members > 0 ? first->type_bytes : 0);
	for (uint32_t m = 0; m < example->n_members; m++) {
		const struct example_member *member = &example->members[m];
		struct wire_member wire = member->wire;
		wire.finding = finding.id;
		wire_put(&put->writer, WIRE_MEMBER, &wire, sizeof(wire),
			 member->type, member->type_bytes);
	}
	for (uint32_t e = 0; e < example->n_edges; e++) {
		struct wire_edge edge = example->edges[e];
		edge.finding = finding.id;
		wire_put(&put->writer, WIRE_EDGE, &edge, sizeof(edge), NULL, 0);
	}
}

/* The largest groups of held blocks; those may be of very many kinds. */
#define REACHED_TOLD 4096

static void put_findings(struct put *put)
{
	uint32_t n_reached = 0;
	for (uint32_t i = 0; i < put->trace->findings.n; i++)
		if (trace_wire(put->trace, i)->verdict != WIRE_REACHED ||
		    n_reached++ < REACHED_TOLD)
			put_finding(put, i);
}

bool trace_write(struct trace *trace, int fd)
{
	struct put put;
	bool has_all = (trace->process.flags & WIRE_OUT_OF_MEMORY) == 0;
	if (put_begin(&put, trace, fd) && has_all)
		put_findings(&put);
	return wire_finish(&put.writer);
}
