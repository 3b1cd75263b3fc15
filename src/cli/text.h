/*
 * text: what the parts of a report for people have in common.
 */
#ifndef TARN_CLI_TEXT_H
#define TARN_CLI_TEXT_H

#include "cli/render.h"

#define RED "31;1"
#define YELLOW "33;1"
#define BOLD "1"
#define FAINT "2"

/* COLOR may be NULL; it ends with what is put. */
void text_put(const struct view *view, const char *color, const char *format,
	      ...) PRINTF_LIKE(3, 4);

/* The frames of SITE, which has some, after a line with TITLE. */
void text_put_site(const struct view *view, struct arena *arena,
		   const struct model_site *site, const char *title);

/* What grew: text_growth.c. */
void text_put_growth(const struct view *view, struct model_process *process);

#endif
