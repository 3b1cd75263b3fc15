/*
 * types: what debug information tells of variables and of what lies in a
 * block.
 */
#include "cli/types.h"
#include "cli/types_index.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 256
#define MAX_DIMENSIONS 8

static struct type type_of(struct symbol_module *module, Dwarf_Die *die)
{
	struct type type = {.module = module};
	Dwarf_Attribute attribute;
	if (dwarf_attr_integrate(die, DW_AT_type, &attribute))
		type.is_known =
			dwarf_formref_die(&attribute, &type.die) != NULL;
	return type;
}

static struct type peeled(const struct type *type)
{
	struct type inner = *type;
	Dwarf_Die die = type->die;
	if (dwarf_peel_type(&die, &inner.die) != 0)
		inner.is_known = false;
	return inner;
}

static uint64_t size_of(const struct type *type)
{
	Dwarf_Die die = type->die;
	Dwarf_Word bytes;
	return type->is_known && dwarf_aggregate_size(&die, &bytes) == 0 ? bytes
									 : 0;
}

static bool has_number(Dwarf_Die *die, unsigned int name, uint64_t *number)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (!dwarf_attr_integrate(die, name, &attribute) ||
	    dwarf_formudata(&attribute, &value) != 0)
		return false;
	*number = value;
	return true;
}

static bool is_class(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type;
}

static bool is_pointer(int tag)
{
	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type ||
	       tag == DW_TAG_rvalue_reference_type;
}

/* --- classes by name ----------------------------------------------------- */

static bool has_name(const struct types_class *class, const char *name)
{
	size_t length = class->scope ? strlen(class->scope) : 0;
	return strncmp(name, class->scope ? class->scope : "", length) == 0 &&
	       strcmp(name + length, class->name) == 0;
}

/* The first of those that are called NAME without its scope. */
static size_t first_class(const struct types_index *index, const char *name)
{
	size_t low = 0, high = index->n_classes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(index->classes[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What follows the last "::" that is not within <>. */
static const char *last_part(const char *name)
{
	const char *last = name;
	int depth = 0;
	for (; *name; name++) {
		depth += (*name == '<') - (*name == '>');
		if (depth == 0 && name[0] == ':' && name[1] == ':')
			last = name + 2;
	}
	return last;
}

struct type types_find_class(struct symbol_module *module, const char *name)
{
	const struct types_index *index = types_index(module);
	const char *part = last_part(name);
	struct type type = {.module = module};
	size_t i = first_class(index, part);
	for (;
	     i < index->n_classes && strcmp(index->classes[i].name, part) == 0;
	     i++) {
		if (has_name(&index->classes[i], name)) {
			type.die = index->classes[i].die;
			type.is_known = true;
			break;
		}
	}
	return type;
}

/* A class that is declared here is defined in another unit. */
static struct type whole_class(const struct type *type)
{
	const struct types_index *index;
	struct type whole = *type;
	const char *name = dwarf_diename(&whole.die);
	size_t i;
	if (!name || !is_class(dwarf_tag(&whole.die)) ||
	    !dwarf_hasattr(&whole.die, DW_AT_declaration))
		return whole;
	index = types_index(type->module);
	i = first_class(index, name);
	if (i < index->n_classes && strcmp(index->classes[i].name, name) == 0)
		whole.die = index->classes[i].die;
	return whole;
}

/* --- names --------------------------------------------------------------- */

static const char *scope_of(struct arena *arena, const struct type *type)
{
	Dwarf_Die die = type->die, *scopes = NULL;
	const char *text = "";
	int n = dwarf_getscopes_die(&die, &scopes);
	for (int i = 1; i < n; i++) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = dwarf_diename(&scopes[i]);
		if (name && (tag == DW_TAG_namespace || is_class(tag)))
			text = arena_print(arena, "%s::%s", name, text);
	}
	free(scopes);
	return text;
}

static const char *name_of(const struct type *type, unsigned int depth)
{
	struct arena *arena = symbols_arena(type->module);
	Dwarf_Die die = type->die;
	const char *name = dwarf_diename(&die);
	struct type inner = type_of(type->module, &die);
	if (depth == MAX_DIMENSIONS)
		return NULL;
	switch (dwarf_tag(&die)) {
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
		return inner.is_known ? name_of(&inner, depth + 1) : "void";
	case DW_TAG_pointer_type:
		name = inner.is_known ? name_of(&inner, depth + 1) : "void";
		return name ? arena_print(arena, "%s*", name) : NULL;
	case DW_TAG_array_type:
		name = inner.is_known ? name_of(&inner, depth + 1) : NULL;
		return name ? arena_print(arena, "%s[]", name) : NULL;
	default:
		return name ? arena_print(arena, "%s%s", scope_of(arena, type),
					  name)
			    : NULL;
	}
}

const char *types_name(const struct type *type)
{
	const char *name = type->is_known ? name_of(type, 0) : NULL;
	return name ? arena_clean_text(symbols_arena(type->module), name,
				       strlen(name))
		    : NULL;
}

/* --- variables ----------------------------------------------------------- */

static const char *find_section(Dwfl_Module *module, struct arena *arena,
				uint64_t address)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module, &bias);
	Elf_Scn *section = NULL;
	size_t names;
	if (!elf || elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		if (!gelf_getshdr(section, &header) ||
		    !(header.sh_flags & SHF_ALLOC) ||
		    header.sh_flags & SHF_TLS ||
		    address - bias - header.sh_addr >= header.sh_size)
			continue;
		const char *name = elf_strptr(elf, names, header.sh_name);
		return name ? arena_clean_text(arena, name, strlen(name))
			    : NULL;
	}
	return NULL;
}

/* By the debug information; false: it has none there. */
static bool find_typed(struct symbol_module *module, uint64_t address,
		       struct variable *variable)
{
	const struct types_index *index = types_index(module);
	size_t low = 0, high = index->n_variables;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (index->variables[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	struct types_variable found = index->variables[low - 1];
	struct type type = type_of(module, &found.die);
	const char *name = dwarf_diename(&found.die);
	uint64_t size = size_of(&type);
	if (!name || address - found.address >= (size ? size : 1))
		return false;
	variable->name =
		arena_clean_text(symbols_arena(module), name, strlen(name));
	variable->address = found.address;
	variable->type = type;
	return true;
}

void types_find_variable(struct symbol_module *module, uint64_t address,
			 struct variable *variable)
{
	Dwfl_Module *dwfl = symbols_module(module);
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name;
	*variable = (struct variable){.address = address};
	if (!dwfl)
		return;
	variable->section = find_section(dwfl, symbols_arena(module), address);
	name = dwfl_module_addrinfo(dwfl, address, &offset, &symbol, NULL, NULL,
				    NULL);
	if (name && offset >= symbol.st_size)
		name = NULL;
	/* In C++ the symbol has the scope; in C a static variable of a
	 * function is "table.0" there. */
	if (find_typed(module, address, variable) &&
	    !(name && strncmp(name, "_Z", 2) == 0))
		return;
	if (!name)
		return;
	variable->name = symbols_name(module, address);
	variable->address = address - offset;
}

/* --- members ------------------------------------------------------------- */

struct walk {
	struct arena *arena;
	const char *text;
	struct type target;
	unsigned int n_steps;
};

/* Returns whether it ended at a pointer. */
static bool walk(struct walk *at, const struct type *type, uint64_t offset);

static bool put_rest(struct walk *at, uint64_t offset)
{
	at->text = arena_print(at->arena, "%s+%" PRIu64, at->text, offset);
	at->target.is_known = false;
	return false;
}

static bool is_of_library(const char *name)
{
	return strncmp(name, "_M_", 3) == 0;
}

/* What a member of a class begins with; false: it has no place there. */
static bool get_start(Dwarf_Die *member, uint64_t *start)
{
	int tag = dwarf_tag(member);
	*start = 0;
	if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
	    dwarf_hasattr(member, DW_AT_external) ||
	    dwarf_hasattr(member, DW_AT_declaration))
		return false;
	return has_number(member, DW_AT_data_member_location, start) ||
	       (!dwarf_hasattr(member, DW_AT_data_member_location) &&
		!dwarf_hasattr(member, DW_AT_data_bit_offset));
}

/*
 * Of a union the first member that leads to a pointer; the first of all if none
 * does. A member without a size is an array that ends the block.
 */
static bool walk_class(struct walk *at, const struct type *class,
		       uint64_t offset)
{
	struct walk before = *at, first = *at;
	Dwarf_Die parent = class->die, member;
	bool has_first = false;
	int end = dwarf_child(&parent, &member);
	for (; end == 0; end = dwarf_siblingof(&member, &member)) {
		struct type type = type_of(class->module, &member);
		const char *name = dwarf_diename(&member);
		uint64_t start, size = size_of(&type);
		if (!get_start(&member, &start) || offset < start ||
		    (size && offset - start >= size) || !type.is_known)
			continue;
		*at = (struct walk){before.arena, before.text, before.target,
				    at->n_steps};
		if (name && !is_of_library(name) &&
		    dwarf_tag(&member) == DW_TAG_member)
			at->text =
				arena_print(at->arena, "%s.%s", at->text, name);
		if (walk(at, &type, offset - start))
			return true;
		if (!has_first)
			first = *at;
		has_first = true;
	}
	first.n_steps = at->n_steps;
	*at = first;
	return has_first ? false : put_rest(at, offset);
}

/* The number of elements in each dimension, 0 if unknown. */
static size_t get_dimensions(const struct type *array,
			     uint64_t counts[MAX_DIMENSIONS])
{
	Dwarf_Die parent = array->die, range;
	size_t n = 0;
	int end = dwarf_child(&parent, &range);
	for (; end == 0 && n < MAX_DIMENSIONS;
	     end = dwarf_siblingof(&range, &range)) {
		uint64_t last;
		if (dwarf_tag(&range) != DW_TAG_subrange_type)
			continue;
		counts[n] = 0;
		if (!has_number(&range, DW_AT_count, &counts[n]) &&
		    has_number(&range, DW_AT_upper_bound, &last))
			counts[n] = last + 1;
		n++;
	}
	return n;
}

static bool walk_array(struct walk *at, const struct type *array,
		       uint64_t offset)
{
	uint64_t counts[MAX_DIMENSIONS];
	Dwarf_Die die = array->die;
	struct type element = type_of(array->module, &die);
	uint64_t stride = size_of(&element);
	size_t n = get_dimensions(array, counts);
	for (size_t i = 1; i < n; i++) {
		if (__builtin_mul_overflow(stride, counts[i], &stride))
			stride = 0;
	}
	if (stride == 0 || n == 0)
		return put_rest(at, offset);
	for (size_t i = 0; i < n; i++) {
		at->text = arena_print(at->arena, "%s[%" PRIu64 "]", at->text,
				       offset / stride);
		offset %= stride;
		if (i + 1 < n)
			stride /= counts[i + 1];
	}
	return walk(at, &element, offset);
}

static bool walk(struct walk *at, const struct type *type, uint64_t offset)
{
	struct type inner = peeled(type);
	int tag;
	if (!inner.is_known || ++at->n_steps > MAX_STEPS)
		return put_rest(at, offset);
	inner = whole_class(&inner);
	tag = dwarf_tag(&inner.die);
	if (is_class(tag))
		return walk_class(at, &inner, offset);
	if (tag == DW_TAG_array_type)
		return walk_array(at, &inner, offset);
	if (!is_pointer(tag) || offset != 0)
		return put_rest(at, offset);
	at->target = type_of(type->module, &inner.die);
	return true;
}

/* A base class may begin a larger block; those of the C++ library do. */
static bool may_be_array(const struct type *type)
{
	Dwarf_Die die = type->die;
	const char *name = dwarf_diename(&die);
	return !name || name[0] != '_';
}

static bool walk_block(struct walk *at, const struct type *type,
		       uint64_t offset)
{
	struct type inner = peeled(type);
	struct walk before = *at;
	uint64_t size;
	if (inner.is_known)
		inner = whole_class(&inner);
	size = size_of(&inner);
	if (inner.is_known && is_pointer(dwarf_tag(&inner.die)) && size) {
		at->text =
			arena_print(at->arena, "[%" PRIu64 "]", offset / size);
		return walk(at, &inner, offset % size);
	}
	if (walk(at, type, offset) || size == 0 || offset < size ||
	    !may_be_array(&inner))
		return at->target.is_known;
	*at = before;
	at->text = arena_print(at->arena, "[%" PRIu64 "]", offset / size);
	if (walk(at, type, offset % size))
		return true;
	*at = before;
	return put_rest(at, offset);
}

const char *types_member(const struct type *type, uint64_t offset,
			 bool is_block, struct type *target)
{
	struct walk at = {.text = ""};
	if (!type->is_known) {
		*target = (struct type){0};
		return NULL;
	}
	at.arena = symbols_arena(type->module);
	at.target.module = type->module;
	if (is_block)
		walk_block(&at, type, offset);
	else
		walk(&at, type, offset);
	*target = at.target;
	return arena_clean_text(at.arena, at.text, strlen(at.text));
}
