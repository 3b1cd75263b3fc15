/*
 * pattern: the patterns of LeakSanitizer's suppressions.
 *
 * A pattern is found anywhere in a text; "^" at its start and "$" at its end bind
 * it to the text's, and "*" stands for anything.
 */
#ifndef TARN_BASE_PATTERN_H
#define TARN_BASE_PATTERN_H

#include <stdbool.h>

/* An empty text, and NULL, match nothing. */
bool pattern_matches(const char *pattern, const char *text);

#endif
