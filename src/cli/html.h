/*
 * html: parts of the page, and how its text is escaped.
 *
 * Law: what comes from the process goes through html_put_text() or
 * html_put_attribute(), in all of the page; what is printed otherwise is ours,
 * or a number. The page is XML as well as HTML, so that any parser can prove
 * that nothing broke out.
 */
#ifndef TARN_CLI_HTML_H
#define TARN_CLI_HTML_H

#include "cli/render.h"

#include <stdio.h>

/* Of src/cli/page.css and page.js, made into strings by the build. */
extern const char page_style[];
extern const char page_script[];

/* A page of thousands of findings stays below this. */
#define PAGE_BYTES_MAX 1000000

/* --- html_put.c ---------------------------------------------------------- */

/* For names: what is longer is cut, and ends in dots. */
#define HTML_NAME_COLUMNS 160

/* TEXT, escaped for elements and for attributes in double quotes. */
void html_put_text(FILE *out, const char *text);

/* The same, but at most COLUMNS characters of it. */
void html_put_cut(FILE *out, const char *text, size_t columns);

/*
 * <TAG CLASS>TEXT</TAG>, where CLASS is NULL or a class. TEXT is escaped, and
 * cut after HTML_NAME_COLUMNS.
 */
void html_put_element(FILE *out, const char *tag, const char *class_name,
		      const char *text);

/* A part of a bar, and a row of the table that says the same. */
struct html_part {
	const char *name;
	const char *class_name; /* its colour */
	const char *amount;	/* "3 blocks", or NULL */
	uint64_t bytes;
	const char *remark;
};

/* A stacked bar of the parts that are not 0, and a table of all. */
struct html_bar {
	const char *label;	/* of what, in the plural */
	const char *column;	/* what an amount is; NULL: there is none */
	const char *all_name;	/* the row of the sum */
	const char *all_amount; /* as of a part */
	size_t n;
	const struct html_part *parts;
};

void html_put_bar(FILE *out, struct arena *arena, const struct html_bar *bar);

/* --- html_graph.c -------------------------------------------------------- */

/*
 * The blocks of an example on a ring and the pointers between them, as an SVG.
 * Blocks and pointers that are too many are left out, and that is said.
 */
void html_put_graph(FILE *out, struct model_process *process,
		    const struct model_finding *finding);

/* --- html_memory.c ------------------------------------------------------- */

void html_put_memory(FILE *out, struct arena *arena,
		     const struct memory_map *map);

/* --- html_list.c --------------------------------------------------------- */

/*
 * What PROCESS, the one of this NUMBER in the page, lost, what grows in it,
 * what is possible or foreign: in BYTES at most; says if that is too little.
 */
void html_put_lists(FILE *out, const struct view *view,
		    struct model_process *process, size_t number, size_t bytes);

/* How many are listed. */
size_t html_count_growing(const struct model_process *process);

/* --- html_finding.c ------------------------------------------------------ */

/*
 * One finding of the process NUMBER, with all its details, or as one line.
 * LARGEST is what the largest of all retains.
 */
void html_put_finding(FILE *out, struct model_process *process, size_t number,
		      const struct model_finding *finding, uint64_t largest,
		      bool is_open);
void html_put_finding_line(FILE *out, struct model_process *process,
			   size_t number, const struct model_finding *finding);

/* --- html_growth.c ------------------------------------------------------- */

void html_put_growing(FILE *out, struct model_process *process, size_t number,
		      const struct model_growing *growing, bool is_open);
void html_put_growing_line(FILE *out, struct model_process *process,
			   size_t number, const struct model_growing *growing);

/*
 * The heading of a line: TYPE, which may be NULL, and the call of SITE that a
 * reader cares for, with those that it was in.
 */
void html_put_heading(FILE *out, struct model_process *process,
		      const char *type, uint32_t site);

/* HINT may be NULL. */
void html_put_hint(FILE *out, const char *hint);

/* The calls that allocated, or that they are not known; TITLE is ours. */
void html_put_calls(FILE *out, struct arena *arena,
		    const struct model_site *site, const char *title);

#endif
