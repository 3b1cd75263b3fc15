/*
 * render: a model as text, JSON, DOT, a page, or what LeakSanitizer would
 * print.
 */
#ifndef TARN_CLI_RENDER_H
#define TARN_CLI_RENDER_H

#include "cli/model.h"
#include "cli/options.h"
#include "cli/suppress.h"

#include <stdio.h>

struct view {
	FILE *out;
	bool has_color;
	unsigned int show;   /* bits of verdicts */
	size_t max_findings; /* text and DOT; 0: all */
};

void text_render(const struct view *view, struct model *model);
bool json_render(const struct view *view, struct model *model);
void dot_render(const struct view *view, struct model *model);
bool html_render(const struct view *view, struct model *model);
void lsan_render(const struct view *view, struct model *model);

/* --- where it goes: output.c --------------------------------------------- */

struct output {
	FILE *out;
	FILE *stream;	 /* to use without a file */
	const char *svg; /* the picture to make of OUT; NULL: none */
	struct suppressions suppressions;
};

/*
 * Reads the suppressions and opens the output that OPTIONS name; without one it
 * is STREAM. Says what is wrong.
 */
bool output_open(struct output *output, const struct options *options,
		 FILE *stream);

/* Suppresses, renders and closes. Says what is wrong. */
bool output_finish(struct output *output, const struct options *options,
		   struct model *model);

/* The same for a verb that renders by itself, with errno 0 at its start;
 * IS_WRITTEN is whether that worked. */
struct view output_view(const struct output *output,
			const struct options *options);
bool output_close(struct output *output, const struct options *options,
		  bool is_written);

/* --- parts that several formats share: phrase.c -------------------------- */

bool finding_is_shown(const struct view *view,
		      const struct model_finding *finding);

/* How many have a verdict of VERDICTS, a mask of bits, and are shown. */
size_t findings_shown(const struct view *view,
		      const struct model_process *process,
		      unsigned int verdicts);

/* NULL: the report does not have it. */
const struct model_member *finding_member(const struct model_finding *finding,
					  uint32_t index);

/* For programs, "inner-cycle", and for people, "inner cycle". */
const char *verdict_name(uint32_t verdict);
const char *phrase_verdict(uint32_t verdict);

/* "s", but for one. */
const char *phrase_plural(uint64_t n);

/* "1 block", "2 blocks". */
const char *phrase_blocks(struct arena *arena, uint64_t blocks);

/* "96 B", "1.2 KiB". */
const char *phrase_bytes(struct arena *arena, uint64_t bytes);

/* NAME of a function or type, shortened if it is long. */
const char *phrase_name(struct arena *arena, const char *name);

/* "dir/demo.c:17", or the module and address; "" if there is neither. */
const char *phrase_place(struct arena *arena, const struct model_frame *frame);

/* "make_node dir/demo.c:17"; NULL if nothing is known. */
const char *phrase_frame(struct arena *arena, const struct model_frame *frame);

/* "3 blocks, 96 B, TYPE; retains 7 blocks, 400 B in all"; TYPE may be NULL. */
const char *phrase_claim(struct arena *arena,
			 const struct model_finding *finding, const char *type);

/* The same with its type, after the verdict and a colon. */
const char *phrase_finding(struct model_process *process,
			   const struct model_finding *finding);

/* "#0 Node (32 B)". */
const char *phrase_member(struct model_process *process,
			  const struct model_member *member);

/* "1.2 KiB/s, 4.2 MiB an hour, 81 % of all growth". */
const char *phrase_growing(struct arena *arena,
			   const struct model_growing *growing);

/* "blocks of 48 B, Entry": what all of them have in common. */
const char *phrase_growing_kind(struct model_process *process,
				const struct model_growing *growing);

#define CONTENTS_COLUMNS 16

/* A line of so many bytes from AT on: "00 41 … 7f  .A…." */
const char *phrase_contents(struct arena *arena,
			    const struct wire_member *member, uint32_t at);

/* --- explanations that formats for people share: explain.c ---------------- */

/* The first block of the example whose site is known, as its index; of a sample
 * that may be another than the first. The number of members: none is. */
size_t explain_sited_member(const struct model_finding *finding);

/* Where a finding's blocks are not known to come from: the id of one that is
 * like it, where they are; 0: there is none. */
uint32_t explain_alike(const struct model_process *process,
		       const struct model_finding *finding);

/*
 * Which frames of SITE to show, innermost first: from FIRST to before what is
 * returned.
 */
size_t explain_calls(const struct model_site *site, size_t *first);

/* The call that FRAME, one of SITE, was in; NULL: none that has a name. */
const struct model_frame *explain_caller(const struct model_site *site,
					 const struct model_frame *frame);

/* What may be done; NULL: nothing to say. */
const char *explain_hint(struct model_process *process,
			 const struct model_finding *finding);

/* The same for what grows; and why its sites are not known. */
const char *explain_growing_hint(const struct model_process *process,
				 const struct model_growing *growing);
const char *explain_no_sites(void);

/* Of which blocks sites are, and why growth may be none; NULL: nothing to say.
 */
const char *explain_growth_sites(const struct model_growth *growth);
const char *explain_growth_doubt(const struct model_growth *growth);

/* What holds blocks of VERDICT, which is possible or foreign. */
const char *explain_total(uint32_t verdict);

/* "4 blocks lost, 576 B, in 2 findings". */
const char *explain_lost(const struct model_process *process,
			 size_t n_findings);

/* "nothing lost; 1 block, 4.5 KiB live". */
const char *explain_clean(const struct model_process *process);

/* "3, stopped for 1.2 ms": the threads, and how long they stood still. */
const char *explain_stop(const struct model_process *process);

#define EXPLAIN_DOUBTS_MAX 8

/* Why the report may be wrong. Returns how many reasons. */
size_t explain_doubts(const struct model_process *process,
		      const char *doubts[EXPLAIN_DOUBTS_MAX]);

/* Why MODULE has no names; NULL: it has, or was not asked for any. */
const char *explain_module(struct arena *arena,
			   const struct model_module *module);

#endif
