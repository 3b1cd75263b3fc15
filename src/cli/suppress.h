/*
 * suppress: findings that the user knows of and does not want to hear about.
 *
 * A file has lines "leak:PATTERN", as LeakSanitizer's; "#" starts a comment.
 * A pattern matches anywhere in the name of a function, file or module of the
 * finding's site; "*" stands for anything, "^" and "$" for beginning and end.
 */
#ifndef TARN_CLI_SUPPRESS_H
#define TARN_CLI_SUPPRESS_H

#include "cli/model.h"

struct suppressions {
	struct arena arena;
	size_t n;
	char **patterns;
};

/* Reads the file at PATH; says what is wrong, and false. */
bool suppressions_read(struct suppressions *suppressions, const char *path);
void suppressions_free(struct suppressions *suppressions);

/* Suppresses the findings that a pattern matches. */
void suppress_findings(struct model *model,
		       const struct suppressions *suppressions);

#endif
