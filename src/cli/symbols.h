/*
 * symbols: from a module's file and an address in it to names and lines.
 *
 * Debug information is looked for the way debuggers do: in the file, beside
 * it, and under /usr/lib/debug by build-id or name. Nothing is downloaded.
 * Answers are kept; all memory is the arena's but for libdwfl's own.
 */
#ifndef TARN_CLI_SYMBOLS_H
#define TARN_CLI_SYMBOLS_H

#include "cli/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Dwfl_Module;
struct symbols;
struct symbol_module;
struct types_index;

struct symbol_frame {
	const char *function; /* demangled; NULL: unknown */
	const char *file;     /* NULL: unknown, and so are line and column */
	uint32_t line;
	uint32_t column;
	bool is_inlined; /* into the next frame */
};

enum symbol_state {
	SYMBOLS_FOUND,
	SYMBOLS_NO_FILE,    /* not there, not readable, not ELF */
	SYMBOLS_OTHER_FILE, /* another build-id: the file was replaced */
};

struct symbols *symbols_new(struct arena *arena);
void symbols_free(struct symbols *symbols);

/* The module at PATH; never NULL. BUILD_ID of 0 bytes matches any file. */
struct symbol_module *symbols_open(struct symbols *symbols, const char *path,
				   const uint8_t *build_id,
				   size_t build_id_bytes);

enum symbol_state symbols_state(const struct symbol_module *module);

/*
 * The functions that the instruction at ADDRESS is in, innermost first; those
 * before the last are inlined. Returns how many, possibly 0.
 */
size_t symbols_look_up(struct symbol_module *module, uint64_t address,
		       const struct symbol_frame **frames);

/*
 * libdwfl's own, whose addresses are those of the file; NULL if there is no
 * file. What types.c knows of it is kept beside it.
 */
struct Dwfl_Module *symbols_module(const struct symbol_module *module);
struct types_index **symbols_types(struct symbol_module *module);
struct arena *symbols_arena(const struct symbol_module *module);

/* The demangled name of what lies at ADDRESS; NULL: unknown. */
const char *symbols_name(struct symbol_module *module, uint64_t address);

#endif
