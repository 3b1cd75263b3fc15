/*
 * types_index: the variables and classes of a module.
 *
 * There is no faster way to a variable than to look at all: tables by address
 * have code alone, and tables by name are rarely written. A large program's are
 * looked at for some seconds; what was not found by then has no type.
 */
#include "cli/types_index.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SECONDS 3
#define MAX_DEPTH 16

struct walk {
	struct arena *arena;
	struct types_index *index;
	Dwarf_Addr bias;
	struct timespec end;
	unsigned int n_seen;
	bool is_late;
};

static bool is_late(struct walk *walk)
{
	struct timespec now;
	if (walk->is_late || ++walk->n_seen % 1024 != 0)
		return walk->is_late;
	clock_gettime(CLOCK_MONOTONIC, &now);
	walk->is_late = now.tv_sec > walk->end.tv_sec ||
			(now.tv_sec == walk->end.tv_sec &&
			 now.tv_nsec > walk->end.tv_nsec);
	return walk->is_late;
}

/* Where a variable lies for good. clang names it by its place in a table. */
static bool get_address(Dwarf_Die *die, Dwarf_Addr *address)
{
	Dwarf_Attribute location, entry;
	Dwarf_Op *ops;
	size_t n;
	if (!dwarf_attr(die, DW_AT_location, &location) ||
	    dwarf_whatform(&location) != DW_FORM_exprloc ||
	    dwarf_getlocation(&location, &ops, &n) != 0 || n != 1)
		return false;
	if (ops[0].atom == DW_OP_addr) {
		*address = ops[0].number;
		return true;
	}
	return (ops[0].atom == DW_OP_addrx ||
		ops[0].atom == DW_OP_GNU_addr_index) &&
	       dwarf_getlocation_attr(&location, &ops[0], &entry) == 0 &&
	       dwarf_formaddr(&entry, address) == 0;
}

static void add_variable(struct walk *walk, Dwarf_Die *die)
{
	struct types_index *index = walk->index;
	Dwarf_Addr address;
	if (!get_address(die, &address))
		return;
	index->variables =
		arena_grow(walk->arena, index->variables, index->n_variables,
			   sizeof(index->variables[0]));
	index->variables[index->n_variables++] = (struct types_variable){
		.address = address + walk->bias,
		.die = *die,
	};
}

static void add_class(struct walk *walk, Dwarf_Die *die, const char *scope)
{
	struct types_index *index = walk->index;
	const char *name = dwarf_diename(die);
	if (!name || dwarf_hasattr(die, DW_AT_declaration))
		return;
	index->classes =
		arena_grow(walk->arena, index->classes, index->n_classes,
			   sizeof(index->classes[0]));
	index->classes[index->n_classes++] = (struct types_class){
		.scope = scope,
		.name = name,
		.die = *die,
	};
}

static const char *inner_scope(struct walk *walk, const char *scope,
			       Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	return arena_print(walk->arena, "%s%s::", scope ? scope : "",
			   name ? name : "(anonymous namespace)");
}

static void walk_children(struct walk *walk, Dwarf_Die *parent,
			  const char *scope, unsigned int depth);

static void walk_die(struct walk *walk, Dwarf_Die *die, const char *scope,
		     unsigned int depth)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		add_variable(walk, die);
		break;
	case DW_TAG_namespace:
		walk_children(walk, die, inner_scope(walk, scope, die), depth);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		add_class(walk, die, scope);
		if (dwarf_haschildren(die))
			walk_children(walk, die, inner_scope(walk, scope, die),
				      depth);
		break;
	/* Variables of functions may be static. */
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		walk_children(walk, die, scope, depth);
		break;
	default:
		break;
	}
}

static void walk_children(struct walk *walk, Dwarf_Die *parent,
			  const char *scope, unsigned int depth)
{
	Dwarf_Die die;
	if (depth == MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do
		walk_die(walk, &die, scope, depth + 1);
	while (!is_late(walk) && dwarf_siblingof(&die, &die) == 0);
}

Dwarf_Die types_whole_unit(Dwarf_Die *unit)
{
	Dwarf_Die split;
	uint8_t kind = 0;
	if (dwarf_cu_info(unit->cu, NULL, &kind, NULL, &split, NULL, NULL,
			  NULL) == 0 &&
	    kind == DW_UT_skeleton && split.cu)
		return split;
	return *unit;
}

static int compare_variables(const void *a, const void *b)
{
	const struct types_variable *one = a, *other = b;
	return (one->address > other->address) -
	       (one->address < other->address);
}

static int compare_classes(const void *a, const void *b)
{
	const struct types_class *one = a, *other = b;
	return strcmp(one->name, other->name);
}

const struct types_index *types_index(struct symbol_module *module)
{
	struct types_index **index = symbols_types(module);
	Dwfl_Module *dwfl = symbols_module(module);
	struct walk walk = {.arena = symbols_arena(module)};
	Dwarf_Die *unit = NULL;
	if (*index)
		return *index;
	*index = walk.index = arena_take(walk.arena, sizeof(**index));
	clock_gettime(CLOCK_MONOTONIC, &walk.end);
	walk.end.tv_sec += MAX_SECONDS;
	while (dwfl && !walk.is_late &&
	       (unit = dwfl_module_nextcu(dwfl, unit, &walk.bias))) {
		Dwarf_Die whole = types_whole_unit(unit);
		walk_children(&walk, &whole, NULL, 0);
	}
	if (walk.index->n_variables)
		qsort(walk.index->variables, walk.index->n_variables,
		      sizeof(walk.index->variables[0]), compare_variables);
	if (walk.index->n_classes)
		qsort(walk.index->classes, walk.index->n_classes,
		      sizeof(walk.index->classes[0]), compare_classes);
	return walk.index;
}
