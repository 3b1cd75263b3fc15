/*
 * types: what debug information tells of variables and of what lies in a
 * block.
 *
 * A place is an offset in something of a known type. From it one gets the
 * member that is there, as "table[17].next", and the type of what that points
 * to. What debug information does not tell is "+16".
 */
#ifndef TARN_CLI_TYPES_H
#define TARN_CLI_TYPES_H

#include "cli/symbols.h"

#include <elfutils/libdw.h>

/* Of a block, or of a variable. */
struct type {
	bool is_known;
	struct symbol_module *module; /* whose debug information has it */
	Dwarf_Die die;
};

struct variable {
	const char *section; /* ".bss"; NULL: unknown */
	const char *name;    /* NULL: unknown */
	uint64_t address;    /* of its start */
	struct type type;
};

/* The variable that covers ADDRESS, which is one of MODULE's file. */
void types_find_variable(struct symbol_module *module, uint64_t address,
			 struct variable *variable);

/* The class of NAME, with its namespace; not known if there is none. */
struct type types_find_class(struct symbol_module *module, const char *name);

/* "struct entry" as "entry", "entry*", "std::vector<int>". NULL: unknown. */
const char *types_name(const struct type *type);

/*
 * The words for what is OFFSET bytes after the start of something of TYPE, and
 * in TARGET the type of what it points to. IS_BLOCK: it may be the first of an
 * array.
 *
 * "" for the thing itself; ".next", "[17]", "[3].name+4"; NULL if the type is
 * not known.
 */
const char *types_member(const struct type *type, uint64_t offset,
			 bool is_block, struct type *target);

#endif
