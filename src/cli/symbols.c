/*
 * symbols: from a module's file and an address in it to names and lines.
 *
 * Every module has a libdwfl session of its own with the load base 0, so that
 * libdwfl's addresses are those of the file and two builds of one library do
 * not meet.
 */
#include "cli/symbols.h"
#include "cli/types_index.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_INLINED 64
#define N_BUCKETS 256

/* Of libstdc++. */
char *__cxa_demangle(const char *name, char *buffer, size_t *length,
		     int *status);

struct answer {
	struct answer *next;
	uint64_t address;
	size_t n_frames;
	const struct symbol_frame *frames;
};

struct symbol_module {
	struct symbol_module *next;
	struct symbols *owner;
	const char *path;
	const uint8_t *build_id;
	size_t build_id_bytes;
	enum symbol_state state;
	Dwfl *session;	     /* NULL unless SYMBOLS_FOUND */
	Dwfl_Module *module; /* the only one in it */
	struct answer *answers[N_BUCKETS];
	struct types_index *types;
};

struct symbols {
	struct arena *arena;
	struct symbol_module *modules;
};

struct symbols *symbols_new(struct arena *arena)
{
	struct symbols *symbols = arena_take(arena, sizeof(*symbols));
	symbols->arena = arena;
	elf_version(EV_CURRENT);
	/* libdwfl would ask servers on the network. */
	unsetenv("DEBUGINFOD_URLS");
	return symbols;
}

void symbols_free(struct symbols *symbols)
{
	struct symbol_module *module = symbols->modules;
	for (; module; module = module->next) {
		if (module->session)
			dwfl_end(module->session);
	}
	symbols->modules = NULL;
}

/* --- files --------------------------------------------------------------- */

static bool has_build_id(int fd, const struct symbol_module *module)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const void *id = NULL;
	ssize_t bytes = elf ? dwelf_elf_gnu_build_id(elf, &id) : -1;
	bool is_same = bytes == (ssize_t)module->build_id_bytes &&
		       memcmp(id, module->build_id, (size_t)bytes) == 0;
	elf_end(elf);
	return is_same;
}

/* O_NONBLOCK: a report may name a pipe, and nobody would write into it. */
static int open_file(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static enum symbol_state start_session(struct symbol_module *module)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	int fd = module->path[0] == '/' ? open_file(module->path) : -1;
	if (fd < 0)
		return SYMBOLS_NO_FILE;
	if (module->build_id_bytes && !has_build_id(fd, module)) {
		close(fd);
		return SYMBOLS_OTHER_FILE;
	}
	module->session = dwfl_begin(&callbacks);
	if (module->session)
		module->module = dwfl_report_elf(module->session, module->path,
						 module->path, fd, 0, true);
	if (!module->module) {
		close(fd);
		return SYMBOLS_NO_FILE;
	}
	dwfl_report_end(module->session, NULL, NULL);
	return SYMBOLS_FOUND;
}

struct symbol_module *symbols_open(struct symbols *symbols, const char *path,
				   const uint8_t *build_id,
				   size_t build_id_bytes)
{
	struct symbol_module *module = symbols->modules;
	for (; module; module = module->next) {
		if (strcmp(module->path, path) == 0 &&
		    module->build_id_bytes == build_id_bytes &&
		    memcmp(module->build_id, build_id, build_id_bytes) == 0)
			return module;
	}
	module = arena_take(symbols->arena, sizeof(*module));
	module->owner = symbols;
	module->path = arena_text(symbols->arena, path, strlen(path));
	module->build_id = (const uint8_t *)arena_text(
		symbols->arena, (const char *)build_id, build_id_bytes);
	module->build_id_bytes = build_id_bytes;
	module->state = start_session(module);
	module->next = symbols->modules;
	symbols->modules = module;
	return module;
}

enum symbol_state symbols_state(const struct symbol_module *module)
{
	return module->state;
}

struct Dwfl_Module *symbols_module(const struct symbol_module *module)
{
	return module->module;
}

struct types_index **symbols_types(struct symbol_module *module)
{
	return &module->types;
}

struct arena *symbols_arena(const struct symbol_module *module)
{
	return module->owner->arena;
}

/* --- names --------------------------------------------------------------- */

static const char *clean(struct symbol_module *module, const char *text)
{
	return text ? arena_clean_text(module->owner->arena, text, strlen(text))
		    : NULL;
}

/* PLAIN is for a MANGLED name in a way that libstdc++ does not know. */
static const char *demangle(struct symbol_module *module, const char *mangled,
			    const char *plain)
{
	char *text = mangled ? __cxa_demangle(mangled, NULL, NULL, NULL) : NULL;
	const char *name = clean(module, text ? text : plain ? plain : mangled);
	free(text);
	return name;
}

const char *symbols_name(struct symbol_module *module, uint64_t address)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name;
	if (!module->module)
		return NULL;
	name = dwfl_module_addrinfo(module->module, address, &offset, &symbol,
				    NULL, NULL, NULL);
	if (!name)
		return NULL;
	return strncmp(name, "_Z", 2) == 0 ? demangle(module, name, NULL)
					   : clean(module, name);
}

static const char *name_of_die(struct symbol_module *module, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *linkage = dwarf_formstring(
		dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
	const char *plain = dwarf_diename(die);
	return linkage ? demangle(module, linkage, plain)
		       : clean(module, plain);
}

/* --- lines --------------------------------------------------------------- */

/*
 * The unit of ADDRESS. Without .debug_aranges, which clang leaves out, libdwfl
 * finds none: then every unit is asked.
 */
static Dwarf_Die *find_unit(Dwfl_Module *module, uint64_t address,
			    Dwarf_Addr *bias)
{
	Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);
	if (unit)
		return unit;
	while ((unit = dwfl_module_nextcu(module, unit, bias))) {
		if (dwarf_haspc(unit, address - *bias) > 0)
			return unit;
	}
	return NULL;
}

static void set_line(struct symbol_module *module, Dwarf_Die *unit,
		     Dwarf_Addr address, struct symbol_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number = 0, column = 0;
	if (!line)
		return;
	frame->file = clean(module, dwarf_linesrc(line, NULL, NULL));
	dwarf_lineno(line, &number);
	dwarf_linecol(line, &column);
	frame->line = (uint32_t)number;
	frame->column = (uint32_t)column;
}

static uint32_t number_of(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value = 0;
	dwarf_formudata(dwarf_attr(die, name, &attribute), &value);
	return (uint32_t)value;
}

/* Where the inlined DIE was called from. */
static struct symbol_frame call_site(struct symbol_module *module,
				     Dwarf_Die *unit, Dwarf_Die *die)
{
	struct symbol_frame frame = {0};
	Dwarf_Files *files;
	size_t n_files;
	uint32_t index = number_of(die, DW_AT_call_file);
	if (dwarf_getsrcfiles(unit, &files, &n_files) == 0 && index < n_files)
		frame.file =
			clean(module, dwarf_filesrc(files, index, NULL, NULL));
	frame.line = number_of(die, DW_AT_call_line);
	frame.column = number_of(die, DW_AT_call_column);
	return frame;
}

/*
 * Functions around ADDRESS into FRAMES; the first of them has the line of the
 * address, each further one that of a call. dwarf_getscopes leaves an inlined
 * function for where it was written, dwarf_getscopes_die for where it was put.
 */
static size_t list_functions(struct symbol_module *module, Dwarf_Die *unit,
			     Dwarf_Addr address, struct symbol_frame *frames)
{
	Dwarf_Die whole = types_whole_unit(unit);
	Dwarf_Die *inner = NULL, *scopes = NULL;
	struct symbol_frame at = frames[0];
	size_t n = 0;
	int n_scopes = dwarf_getscopes(&whole, address, &inner);
	if (n_scopes > 0)
		n_scopes = dwarf_getscopes_die(&inner[0], &scopes);
	for (int i = 0; i < n_scopes && n < MAX_INLINED; i++) {
		int tag = dwarf_tag(&scopes[i]);
		if (tag != DW_TAG_subprogram &&
		    tag != DW_TAG_inlined_subroutine)
			continue;
		at.function = name_of_die(module, &scopes[i]);
		at.is_inlined = tag == DW_TAG_inlined_subroutine;
		frames[n++] = at;
		if (!at.is_inlined)
			break;
		at = call_site(module, unit, &scopes[i]);
	}
	free(inner);
	free(scopes);
	return n;
}

static size_t resolve(struct symbol_module *module, uint64_t address,
		      struct symbol_frame *frames)
{
	Dwarf_Addr bias = 0;
	Dwarf_Die *unit = find_unit(module->module, address, &bias);
	size_t n = 0;
	frames[0] = (struct symbol_frame){0};
	if (unit) {
		set_line(module, unit, address - bias, &frames[0]);
		n = list_functions(module, unit, address - bias, frames);
	}
	if (n > 0)
		return n;
	frames[0].function = symbols_name(module, address);
	return frames[0].function || frames[0].file ? 1 : 0;
}

size_t symbols_look_up(struct symbol_module *module, uint64_t address,
		       const struct symbol_frame **frames)
{
	struct arena *arena = module->owner->arena;
	struct answer **bucket = &module->answers[address % N_BUCKETS];
	struct answer *answer = *bucket;
	struct symbol_frame found[MAX_INLINED];
	while (answer && answer->address != address)
		answer = answer->next;
	if (!answer) {
		answer = arena_take(arena, sizeof(*answer));
		answer->address = address;
		if (module->module)
			answer->n_frames = resolve(module, address, found);
		answer->frames = (const struct symbol_frame *)arena_text(
			arena, (const char *)found,
			answer->n_frames * sizeof(found[0]));
		answer->next = *bucket;
		*bucket = answer;
	}
	*frames = answer->frames;
	return answer->n_frames;
}
