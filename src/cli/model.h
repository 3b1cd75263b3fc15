/*
 * model: reports in memory, as the renderers want them.
 *
 * The files are not trusted: every number that refers to something is looked
 * up, and text is clean UTF-8 without controls once it is in the model. Names
 * of functions are looked up when first asked for.
 */
#ifndef TARN_CLI_MODEL_H
#define TARN_CLI_MODEL_H

#include "cli/symbols.h"
#include "cli/util.h"
#include "wire/wire.h"

struct model_module {
	struct wire_module wire;
	const char *path; /* as it was written; for opening */
	const char *name; /* the same, to show */
	bool is_tarn;
	struct symbol_module *symbols; /* NULL until looked up */
};

struct model_frame {
	const char *function;	  /* NULL: unknown */
	const char *file;	  /* NULL: unknown */
	const char *module;	  /* NULL: in none */
	uint64_t address;	  /* in the module's file */
	uint64_t process_address; /* where that was in the process */
	uint32_t line, column;
	bool is_inlined;
};

/* Innermost frame first; without those of tarn itself. */
struct model_site {
	uint32_t id;
	bool is_resolved;
	size_t n_written;
	const struct wire_frame *written;
	size_t n_frames;
	struct model_frame *frames;
};

struct model_member {
	struct wire_member wire;
	const char *type; /* NULL: the process did not tell */
};

struct model_finding {
	struct wire_finding wire;
	const char *type; /* NULL: the process did not tell */
	bool is_suppressed;
	size_t n_members;
	struct model_member *members;
	size_t n_edges;
	struct wire_edge *edges;
};

struct model_process {
	struct model *model;
	struct wire_process wire;
	const char *program;
	bool is_complete;
	/* Sorted by id. */
	size_t n_modules;
	struct model_module *modules;
	size_t n_sites;
	struct model_site *sites;
	/* As written: largest first. */
	size_t n_findings;
	struct model_finding *findings;
};

struct model {
	struct arena arena;
	struct symbols *symbols;
	size_t n_processes;
	struct model_process **processes;
};

void model_start(struct model *model);
void model_free(struct model *model);

/*
 * Adds the report in the file at PATH. If there is none, or not a whole one, it
 * says so on stderr and returns false; what was readable is in the model.
 */
bool model_read(struct model *model, const char *path);

/* NULL for 0 and for what the report does not have. */
const struct model_site *model_site(struct model_process *process, uint32_t id);
const struct model_finding *model_finding(const struct model_process *process,
					  uint32_t id);

/*
 * The type of a block, as the process told it or as its virtual table has it;
 * NULL: unknown.
 */
const char *model_member_type(struct model_process *process,
			      const struct model_member *member);
const char *model_finding_type(struct model_process *process,
			       const struct model_finding *finding);

/*
 * The frame that a reader cares for most: the first in code that is not a
 * system library's. NULL if there are no frames.
 */
const struct model_frame *model_user_frame(const struct model_site *site);

/* Takes the finding, and what it retains, out of the totals. */
void model_suppress(struct model_process *process,
		    struct model_finding *finding);

/* Whether there is a finding with a verdict of VERDICTS, a mask of bits. */
bool model_has_findings(const struct model *model, unsigned int verdicts);

static inline unsigned int verdict_bit(uint32_t verdict)
{
	return verdict < 32 ? 1u << verdict : 0;
}

#define VERDICTS_LOST                                                          \
	(1u << WIRE_LOST | 1u << WIRE_CYCLE | 1u << WIRE_INNER_CYCLE |         \
	 1u << WIRE_SHARED)

#endif
