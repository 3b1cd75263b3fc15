/*
 * span: a piece of text that has a length instead of a NUL at its end.
 */
#ifndef TARN_CONF_SPAN_H
#define TARN_CONF_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *at;
	size_t length;
};

static inline struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static inline bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static inline bool span_is(struct span span, const char *word)
{
	return span.length == strlen(word) &&
	       memcmp(span.at, word, span.length) == 0;
}

static inline struct span span_trim(struct span span)
{
	while (span.length > 0 && is_blank(span.at[0]))
		span = (struct span){span.at + 1, span.length - 1};
	while (span.length > 0 && is_blank(span.at[span.length - 1]))
		span.length--;
	return span;
}

/* Cuts the first N bytes off REST and returns them. */
static inline struct span span_cut(struct span *rest, size_t n)
{
	struct span head = {rest->at, n};
	rest->at += n;
	rest->length -= n;
	return head;
}

/* How many bytes of SPAN stand before the first that is one of STOPS. */
static inline size_t span_find(struct span span, const char *stops)
{
	size_t i = 0;
	while (i < span.length &&
	       (span.at[i] == '\0' || strchr(stops, span.at[i]) == NULL))
		i++;
	return i;
}

#endif
