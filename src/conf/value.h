/*
 * value: the types of options, and their values as text.
 *
 * Every value, whatever its type, is a uint64_t here: a bool is 0 or 1, a size
 * is in bytes, a time in milliseconds, a format one of enum conf_stats.
 */
#ifndef TARN_CONF_VALUE_H
#define TARN_CONF_VALUE_H

#include "base/attr.h"
#include "conf/span.h"

#define VALUE_TEXT_BYTES 24 /* of the longest value's text, with its NUL */

enum value_type {
	VALUE_BOOL,
	VALUE_SIZE,
	VALUE_TIME,
	VALUE_STATS,
	VALUE_SITES
};

struct value_type_text {
	const char *argument; /* what the value is, in a word: "time" */
	const char *accepts;  /* which values, in a phrase */
};

const struct value_type_text *value_type_text(enum value_type type);

/* false if TEXT is no value of TYPE. */
bool value_read(enum value_type type, struct span text, uint64_t *value);

/* The shortest text that value_read would read as VALUE. */
void value_write(enum value_type type, uint64_t value,
		 char text[VALUE_TEXT_BYTES]);

#endif
