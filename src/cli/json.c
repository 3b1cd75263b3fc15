/*
 * json: a report for programs. The schema is in the manual; what is not known
 * is null.
 */
#include "cli/json.h"

#include <inttypes.h>

json_t *json_of_number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *json_of_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *json_of_address(uint64_t n)
{
	return json_sprintf("0x%" PRIx64, n);
}

json_t *json_of_amount(uint64_t blocks, uint64_t bytes)
{
	return json_pack("{s:o, s:o}", "blocks", json_of_number(blocks),
			 "bytes", json_of_number(bytes));
}

static json_t *frame_of(const struct model_frame *frame)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "function",
		json_of_text(frame->function), "file",
		json_of_text(frame->file), "line", json_of_number(frame->line),
		"column", json_of_number(frame->column), "inlined",
		frame->is_inlined, "module", json_of_text(frame->module),
		"address", json_of_address(frame->address));
}

json_t *json_of_site(struct model_process *process, uint32_t id)
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
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "index",
			 json_of_number(wire->index), "address",
			 json_of_address(wire->address), "bytes",
			 json_of_number(wire->bytes), "type",
			 json_of_text(model_member_type(process, member)),
			 "contents", contents_of(wire), "site",
			 json_of_site(process, wire->site));
}

static json_t *edge_of(const struct wire_edge *edge)
{
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:b}", "from", json_of_number(edge->from),
		"to", json_of_number(edge->to), "offset",
		json_of_number(edge->offset), "to_offset",
		json_of_number(edge->to_offset), "closes", edge->closes != 0);
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
		"id", json_of_number(wire->id), "verdict",
		verdict_name(wire->verdict), "basis", basis_name(wire->basis),
		"count", json_of_number(wire->count), "own",
		json_of_amount(wire->own_blocks, wire->own_bytes), "retained",
		json_of_amount(wire->retained_blocks, wire->retained_bytes),
		"largest_blocks", json_of_number(wire->largest_blocks), "type",
		json_of_text(model_finding_type(process, finding)), "owner",
		wire->owner ? json_of_number(wire->owner) : json_null(), "site",
		json_of_site(process, wire->site), "members", members, "edges",
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
			 json_of_number(process->root_bytes), "heap_bytes",
			 json_of_number(process->heap_bytes), "unread_bytes",
			 json_of_number(process->unread_bytes));
}

static json_t *series_of(const uint64_t *values, size_t n)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_of_number(values[i]));
	return array;
}

static json_t *growing_sites_of(struct model_process *process,
				const struct model_growing *growing)
{
	json_t *sites = json_array();
	for (size_t i = 0; i < growing->n_sites; i++)
		json_array_append_new(
			sites,
			json_pack(
				"{s:o, s:o}", "blocks",
				json_of_number(growing->sites[i].n_sampled),
				"site",
				json_of_site(process, growing->sites[i].site)));
	return sites;
}

static json_t *growing_of(struct model_process *process,
			  const struct model_growing *growing)
{
	size_t n = process->growth->n_looks;
	uint64_t address = growing->example.wire.address;
	return json_pack(
		"{s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:o, s:o, s:b, s:o}", "id",
		json_of_number(growing->id), "blocks",
		series_of(growing->blocks, n), "bytes",
		series_of(growing->bytes, n), "block_bytes",
		growing->block_bytes ? json_of_number(growing->block_bytes)
				     : json_null(),
		"bytes_per_second", growing->bytes_per_second, "bytes_per_hour",
		growing->bytes_per_second * 3600, "share", growing->share,
		"type",
		json_of_text(model_member_type(process, &growing->example)),
		"example", address ? json_of_address(address) : json_null(),
		"sampled", growing->is_sampled, "sites",
		growing_sites_of(process, growing));
}

static json_t *growth_of(struct model_process *process)
{
	const struct model_growth *growth = process->growth;
	json_t *all, *seconds;
	if (!growth)
		return json_null();
	all = json_array();
	seconds = json_array();
	for (size_t i = 0; i < growth->n_looks; i++)
		json_array_append_new(seconds, json_real(growth->seconds[i]));
	for (size_t i = 0; i < growth->n_all; i++) {
		if (!growth->all[i].is_suppressed)
			json_array_append_new(
				all, growing_of(process, &growth->all[i]));
	}
	return json_pack(
		"{s:o, s:o, s:o, s:o}", "seconds", seconds, "live_blocks",
		series_of(growth->live_blocks, growth->n_looks), "live_bytes",
		series_of(growth->live_bytes, growth->n_looks), "growing", all);
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
		"s:o, s:o, s:o, s:o, s:b, s:o, s:o}",
		"pid", json_of_number(wire->pid), "program", process->program,
		"threads", json_of_number(wire->n_threads), "looks",
		json_of_number(wire->n_looks), "complete", process->is_complete,
		"uncertain", uncertain_of(wire), "sites",
		sites_name(wire->flags), "live",
		json_of_amount(wire->live_blocks, wire->live_bytes), "lost",
		json_of_amount(wire->lost_blocks, wire->lost_bytes), "possible",
		json_of_amount(wire->possible_blocks, wire->possible_bytes),
		"foreign",
		json_of_amount(wire->foreign_blocks, wire->foreign_bytes),
		"suppressed",
		json_of_amount(wire->suppressed_blocks, wire->suppressed_bytes),
		"scanned", scanned_of(wire), "stopped_ns",
		json_of_number(wire->stopped_ns), "traced_ns",
		json_of_number(wire->traced_ns), "findings", findings,
		"running", (wire->flags & WIRE_LIVE) != 0, "unconfirmed",
		json_of_amount(wire->unconfirmed_blocks,
			       wire->unconfirmed_bytes),
		"growth", growth_of(process));
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
