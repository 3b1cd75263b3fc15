/*
 * pattern: the usual matcher, with one place to go back to: the last "*".
 */
#include "base/pattern.h"

#include <stddef.h>

static bool matches_here(const char *pattern, const char *text)
{
	const char *star = NULL, *star_text = NULL;
	for (;;) {
		if (*pattern == '*') {
			star = ++pattern;
			star_text = text;
		} else if (*pattern == '\0') {
			return true;
		} else if (pattern[0] == '$' && pattern[1] == '\0' && !*text) {
			return true;
		} else if (*text && *pattern == *text) {
			pattern++;
			text++;
		} else if (star && *star_text) {
			pattern = star;
			text = ++star_text;
		} else {
			return false;
		}
	}
}

bool pattern_matches(const char *pattern, const char *text)
{
	if (text == NULL || *text == '\0')
		return false;
	if (*pattern == '^')
		return matches_here(pattern + 1, text);
	for (; *text != '\0'; text++)
		if (matches_here(pattern, text))
			return true;
	return false;
}
