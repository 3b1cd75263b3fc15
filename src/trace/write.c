/*
 * write: a trace as records of wire/wire.h.
 *
 * Modules and stacks come before what refers to them: those that a finding's
 * example needs are written with it, each once.
 */
#include <string.h>

#include "base/bits.h"
#include "os/system.h"
#include "trace/trace.h"
#include "watch/modules.h"
#include "watch/sites.h"
#include "watch/watch.h"

struct report {
	struct trace *trace;
	struct wire_writer writer;
	uint64_t *written_modules;
	uint64_t *written_sites;
	uint32_t n_sites;
};

static bool is_first(uint64_t *written, uint32_t id)
{
	if (bits_test(written, id))
		return false;
	bits_set(written, id);
	return true;
}

static void put_module(struct report *report, uint32_t id)
{
	if (id == 0 || !is_first(report->written_modules, id))
		return;
	const struct module *module = modules_get(id);
	wire_put(&report->writer, WIRE_MODULE, &module->wire,
		 sizeof(module->wire), module->path, module->path_bytes);
}

static void put_site(struct report *report, uint32_t site)
{
	const struct wire_frame *frames;
	if (site == 0 || site > report->n_sites ||
	    !is_first(report->written_sites, site))
		return;
	uint32_t n = sites_frames(site, &frames);
	struct wire_stack stack = {site, n};
	for (uint32_t i = 0; i < n; i++)
		put_module(report, frames[i].module);
	wire_put(&report->writer, WIRE_STACK, &stack, sizeof(stack), frames,
		 n * sizeof(*frames));
}

static void put_finding(struct report *report, uint32_t i)
{
	const struct example *example = trace_example(report->trace, i);
	struct wire_finding finding = trace_finding(report->trace, i)->wire;
	finding.site &= ~WATCH_IGNORED;
	finding.n_members = example->n_members;
	put_site(report, finding.site);
	for (uint32_t m = 0; m < example->n_members; m++) {
		put_site(report, example->members[m].wire.site);
		put_module(report, example->members[m].wire.first_word_module);
	}
	const struct example_member *first = &example->members[0];
	wire_put(&report->writer, WIRE_FINDING, &finding, sizeof(finding),
		 first->type, example->n_members > 0 ? first->type_bytes : 0);
	for (uint32_t m = 0; m < example->n_members; m++) {
		const struct example_member *member = &example->members[m];
		struct wire_member wire = member->wire;
		wire.finding = finding.id;
		wire_put(&report->writer, WIRE_MEMBER, &wire, sizeof(wire),
			 member->type, member->type_bytes);
	}
	for (uint32_t e = 0; e < example->n_edges; e++) {
		struct wire_edge edge = example->edges[e];
		edge.finding = finding.id;
		wire_put(&report->writer, WIRE_EDGE, &edge, sizeof(edge), NULL,
			 0);
	}
}

bool trace_write(struct trace *trace, int fd)
{
	struct report report = {
		.trace = trace,
		.n_sites = sites_count(),
		.written_modules = work_take(&trace->work, MODULES_MAX / 64 + 1,
					     sizeof(uint64_t)),
	};
	report.written_sites = work_take(&trace->work, report.n_sites / 64 + 1,
					 sizeof(uint64_t));
	const char *name = os_program_name();
	wire_start(&report.writer, fd);
	wire_put(&report.writer, WIRE_PROCESS, &trace->process,
		 sizeof(trace->process), name, strlen(name));
	if ((trace->process.flags & WIRE_OUT_OF_MEMORY) == 0 &&
	    !trace->work.has_failed)
		for (uint32_t i = 0; i < trace->findings.n; i++)
			put_finding(&report, i);
	return wire_finish(&report.writer);
}
