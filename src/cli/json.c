/*
 * json: a report for programs. The schema is in the manual; what is not known
 * is null.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <jansson.h>

static json_t *integer(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *hexadecimal(uint64_t n)
{
	return json_sprintf("0x%" PRIx64, n);
}

static json_t *amount(uint64_t blocks, uint64_t bytes)
{
	return json_pack("{s:o, s:o}", "blocks", integer(blocks), "bytes",
			 integer(bytes));
}

static json_t *frame_of(const struct model_frame *frame)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "function",
			 text_or_null(frame->function), "file",
			 text_or_null(frame->file), "line",
			 integer(frame->line), "column", integer(frame->column),
			 "inlined", frame->is_inlined, "module",
			 text_or_null(frame->module), "address",
			 hexadecimal(frame->address));
}

static json_t *site_of(struct model_process *process, uint32_t id)
{
	const struct model_site *site = model_site(process, id);
	json_t *frames = json_array();
	for (size_t i = 0; site && i < site->n_frames; i++)
		json_array_append_new(frames, frame_of(&site->frames[i]));
	return frames;
}

static json_t *contents_of(const struct wire_member *member)
{
	char text[2 * WIRE_CONTENTS_BYTES + 1] = "";
	for (uint32_t i = 0; i < member->contents_bytes; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", member->contents[i]);
	return json_string(text);
}

static json_t *member_of(struct model_process *process,
			 const struct model_member *member)
{
	const struct wire_member *wire = &member->wire;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o}", "index", integer(wire->index),
		"address", hexadecimal(wire->address), "bytes",
		integer(wire->bytes), "type",
		text_or_null(model_member_type(process, member)), "contents",
		contents_of(wire), "site", site_of(process, wire->site));
}

static json_t *edge_of(const struct wire_edge *edge)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:b}", "from",
			 integer(edge->from), "to", integer(edge->to), "offset",
			 integer(edge->offset), "to_offset",
			 integer(edge->to_offset), "closes", edge->closes != 0);
}

static const char *basis_name(uint32_t basis)
{
	switch (basis) {
	case WIRE_BY_INTERIOR:
		return "interior";
	case WIRE_BY_END:
		return "end";
	case WIRE_BY_UNCERTAIN:
		return "uncertain";
	case WIRE_BY_MAPPING:
		return "mapping";
	default:
		return "nothing";
	}
}

static json_t *finding_of(struct model_process *process,
			  const struct model_finding *finding)
{
	const struct wire_finding *wire = &finding->wire;
	json_t *members = json_array();
	json_t *edges = json_array();
	for (size_t i = 0; i < finding->n_members; i++)
		json_array_append_new(members,
				      member_of(process, &finding->members[i]));
	for (size_t i = 0; i < finding->n_edges; i++)
		json_array_append_new(edges, edge_of(&finding->edges[i]));
	return json_pack(
		"{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", integer(wire->id), "verdict", verdict_name(wire->verdict),
		"basis", basis_name(wire->basis), "count", integer(wire->count),
		"own", amount(wire->own_blocks, wire->own_bytes), "retained",
		amount(wire->retained_blocks, wire->retained_bytes),
		"largest_blocks", integer(wire->largest_blocks), "type",
		text_or_null(model_finding_type(process, finding)), "owner",
		wire->owner ? integer(wire->owner) : json_null(), "site",
		site_of(process, wire->site), "members", members, "edges",
		edges);
}

static json_t *uncertain_of(const struct wire_process *process)
{
	json_t *names = json_array();
	if (process->flags & WIRE_THREADS_RAN)
		json_array_append_new(names, json_string("threads-ran"));
	if (process->flags & WIRE_REGISTERS_UNSEEN)
		json_array_append_new(names, json_string("registers-unseen"));
	if (process->flags & WIRE_OUT_OF_MEMORY)
		json_array_append_new(names, json_string("out-of-memory"));
	if (process->unread_bytes)
		json_array_append_new(names, json_string("memory-unread"));
	return names;
}

static const char *sites_name(uint32_t flags)
{
	if (flags & WIRE_SITES_ALL)
		return "all";
	return flags & WIRE_SITES_SAMPLED ? "sampled" : "off";
}

static json_t *scanned_of(const struct wire_process *process)
{
	return json_pack("{s:o, s:o, s:o}", "root_bytes",
			 integer(process->root_bytes), "heap_bytes",
			 integer(process->heap_bytes), "unread_bytes",
			 integer(process->unread_bytes));
}

static json_t *process_of(const struct view *view,
			  struct model_process *process)
{
	const struct wire_process *wire = &process->wire;
	json_t *findings = json_array();
	for (size_t i = 0; i < process->n_findings; i++) {
		struct model_finding *finding = &process->findings[i];
		if (finding_is_shown(view, finding))
			json_array_append_new(findings,
					      finding_of(process, finding));
	}
	return json_pack(
		"{s:o, s:s, s:o, s:o, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o}",
		"pid", integer(wire->pid), "program", process->program,
		"threads", integer(wire->n_threads), "looks",
		integer(wire->n_looks), "complete", process->is_complete,
		"uncertain", uncertain_of(wire), "sites",
		sites_name(wire->flags), "live",
		amount(wire->live_blocks, wire->live_bytes), "lost",
		amount(wire->lost_blocks, wire->lost_bytes), "possible",
		amount(wire->possible_blocks, wire->possible_bytes), "foreign",
		amount(wire->foreign_blocks, wire->foreign_bytes), "suppressed",
		amount(wire->suppressed_blocks, wire->suppressed_bytes),
		"scanned", scanned_of(wire), "stopped_ns",
		integer(wire->stopped_ns), "traced_ns",
		integer(wire->traced_ns), "findings", findings);
}

bool json_render(const struct view *view, struct model *model)
{
	json_t *processes = json_array();
	json_t *all;
	bool is_good;
	for (size_t i = 0; i < model->n_processes; i++)
		json_array_append_new(processes,
				      process_of(view, model->processes[i]));
	all = json_pack("{s:i, s:o}", "version", 1, "processes", processes);
	is_good = all && json_dumpf(all, view->out, JSON_INDENT(1)) == 0;
	json_decref(all);
	fputc('\n', view->out);
	return is_good;
}
