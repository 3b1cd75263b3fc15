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

/* Suppresses findings by the file at PATH; says what is wrong, and false. */
bool suppress_findings(struct model *model, const char *path);

#endif
