/*
 * types_index: the variables and classes of a module, found in one walk over
 * its debug information and kept until the module goes.
 */
#ifndef TARN_CLI_TYPES_INDEX_H
#define TARN_CLI_TYPES_INDEX_H

#include "cli/symbols.h"

#include <elfutils/libdw.h>

struct types_variable {
	uint64_t address; /* in the module's file */
	Dwarf_Die die;
};

struct types_class {
	const char *scope; /* "std::"; NULL: none */
	const char *name;
	Dwarf_Die die;
};

struct types_index {
	size_t n_variables; /* sorted by address */
	struct types_variable *variables;
	size_t n_classes; /* sorted by name */
	struct types_class *classes;
};

/* Never NULL; empty without debug information. */
const struct types_index *types_index(struct symbol_module *module);

/* Of a skeleton (-gsplit-dwarf) the unit that has what is in it. */
Dwarf_Die types_whole_unit(Dwarf_Die *unit);

#endif
