/*
 * who_json: for programs, who holds a block. The schema is in the manual.
 */
#include "cli/json.h"
#include "cli/who.h"

#include <string.h>

static const char *holder_name(uint32_t holder)
{
	switch (holder) {
	case WIRE_BY_BLOCK:
		return "block";
	case WIRE_BY_REGISTER:
		return "register";
	case WIRE_BY_STACK:
		return "stack";
	case WIRE_BY_TLS:
		return "tls";
	case WIRE_BY_GLOBAL:
		return "global";
	case WIRE_BY_REGION:
		return "region";
	case WIRE_BY_IGNORED:
		return "ignored";
	default:
		return "mapping";
	}
}

static json_t *address_or_null(uint64_t address)
{
	return address ? json_of_address(address) : json_null();
}

static json_t *number_or_null(uint64_t n)
{
	return n ? json_of_number(n) : json_null();
}

static json_t *place_of(struct model_process *process,
			const struct who_place *place)
{
	const struct wire_pointer *wire = &place->pointer->wire;
	const struct model_module *module = model_module(process, wire->module);
	bool is_block = wire->holder == WIRE_BY_BLOCK;
	bool is_mapping = !is_block && place->pointer->name;
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o}",
		"holder", holder_name(wire->holder), "text", place->text,
		"thread", number_or_null(wire->thread), "at",
		address_or_null(wire->at), "value",
		json_of_address(wire->value), "module",
		json_of_text(module ? module->name : NULL), "section",
		json_of_text(place->section), "variable",
		json_of_text(place->variable), "mapping",
		json_of_text(is_mapping ? place->pointer->name : NULL), "block",
		is_block ? json_of_address(wire->block) : json_null(), "bytes",
		is_block ? json_of_number(wire->bytes) : json_null(), "offset",
		json_of_number(place->offset), "type",
		json_of_text(place->type), "member",
		json_of_text(place->member), "site",
		json_of_site(process, wire->site));
}

static json_t *places_of(struct model_process *process,
			 const struct who_place *places, size_t n)
{
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, place_of(process, &places[i]));
	return array;
}

bool who_render_json(const struct view *view, struct model_process *process,
		     const struct who_way *way, const struct who_more *more)
{
	const struct wire_who *wire = &process->who->wire;
	bool is_block = wire->place == WIRE_IN_BLOCK;
	json_t *who = json_pack(
		"{s:i, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o}",
		"pid", (int)more->pid, "program", process->program, "asked",
		json_of_address(wire->asked), "verdict",
		who_verdict(process->who), "block",
		is_block ? json_of_address(wire->block) : json_null(), "bytes",
		is_block ? json_of_number(wire->bytes) : json_null(), "type",
		json_of_text(way->type), "summary",
		way->n_steps ? json_string(who_summary(process, way))
			     : json_null(),
		"finding",
		more->finding ? json_of_number(more->finding->wire.id)
			      : json_null(),
		"mapping", json_of_text(more->mapping), "site",
		json_of_site(process, wire->site), "n_steps",
		json_of_number(wire->n_steps), "steps",
		places_of(process, way->steps, way->n_steps), "n_referrers",
		json_of_number(wire->n_referrers), "referrers",
		places_of(process, way->referrers, way->n_referrers));
	json_t *all = json_pack("{s:i, s:o}", "version", 1, "who", who);
	bool is_good = all && json_dumpf(all, view->out, JSON_INDENT(1)) == 0;
	json_decref(all);
	fputc('\n', view->out);
	return is_good;
}
