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

/* A step of the way to a block, or a pointer to it. */
struct model_pointer {
	struct wire_pointer wire;
	const char *name; /* of a block its type, of a mapping its name; NULL */
};

/* Who holds a block. */
struct model_who {
	struct wire_who wire;
	const char *type; /* NULL: the process did not tell */
	size_t n_steps;
	struct model_pointer *steps; /* from the root to the block */
	size_t n_referrers;
	struct model_pointer *referrers;
};

/* A site of blocks that grew, and how many blocks in the sample are from it. */
struct model_growing_site {
	uint32_t site;
	uint64_t n_sampled;
};

/*
 * Held blocks of one kind, which grew in every interval between two looks: from
 * one site if sites of all blocks are noted, else of one size and type.
 */
struct model_growing {
	uint32_t id; /* from 1, the fastest first */
	bool is_suppressed;
	bool is_large;		     /* of all sizes beyond those of pools */
	uint64_t block_bytes;	     /* 0: of several sizes */
	struct model_member example; /* of the last look */
	uint64_t *blocks; /* at each look, as in struct model_growth */
	uint64_t *bytes;
	double bytes_per_second;
	double share; /* of all that grew: 0 to 1 */
	/*
	 * Where they come from, most first. Of noted sites there is one; of
	 * those in a sample there may be several, or none was seen.
	 */
	bool is_sampled;
	uint64_t n_sampled;
	size_t n_sites;
	struct model_growing_site *sites;
};

/* What grew while it was looked at. */
struct model_growth {
	size_t n_looks;
	double *seconds; /* of each look, since the first */
	uint64_t *live_blocks;
	uint64_t *live_bytes;
	size_t n_all;
	struct model_growing *all;
};

struct memory_map;

struct model_process {
	struct model *model;
	struct wire_process wire;
	const char *program;
	bool is_complete;
	int64_t taken_at; /* seconds of the epoch; of a file, its own */
	/* Sorted by id. */
	size_t n_modules;
	struct model_module *modules;
	size_t n_sites;
	struct model_site *sites;
	/* As written: largest first. Numbered from 1, those of held blocks are
	 * apart. */
	size_t n_findings;
	struct model_finding *findings;
	size_t n_held;
	struct model_finding *held;
	struct model_growth *growth;	 /* NULL: not asked for */
	struct model_who *who;		 /* NULL: not asked for */
	const struct memory_map *memory; /* NULL: not asked for */
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

/* The same for a report of LENGTH bytes, which NAME stands for. */
bool model_read_bytes(struct model *model, const char *bytes, size_t length,
		      const char *name);

/* NULL for 0 and for what the report does not have. */
const struct model_site *model_site(struct model_process *process, uint32_t id);
const struct model_finding *model_finding(const struct model_process *process,
					  uint32_t id);

const struct model_module *model_module(struct model_process *process,
					uint32_t id);
struct symbol_module *model_symbols(struct model_process *process,
				    uint32_t module);

/* The class whose virtual table is at ADDRESS in the file of MODULE; NULL. */
const char *model_class(struct model_process *process, uint32_t module,
			uint64_t address);

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

/*
 * Whether there is a finding with a verdict of VERDICTS, a mask of bits; that
 * of WIRE_REACHED stands for what grows.
 */
bool model_has_findings(const struct model *model, unsigned int verdicts);

static inline unsigned int verdict_bit(uint32_t verdict)
{
	return verdict < 32 ? 1u << verdict : 0;
}

#define VERDICTS_LOST                                                          \
	(1u << WIRE_LOST | 1u << WIRE_CYCLE | 1u << WIRE_INNER_CYCLE |         \
	 1u << WIRE_SHARED)

#endif
