/*
 * value: numbers with units, and words.
 *
 * A type has words that stand for values and, if it is a number, units.
 */
#include "conf/value.h"

#include "base/message.h"
#include "conf/conf.h"

/*
 * A word that stands for a value, or a unit. An empty name ends a list. Of
 * several names for one value the first is written, the others are only read.
 */
struct word {
	char name[8];
	uint64_t value;
};

static const struct word no_words[] = {{"", 0}};

static const struct word bool_words[] = {{"false", 0}, {"true", 1}, {"", 0}};

static const struct word stats_words[] = {
	{"off", CONF_STATS_OFF},   {"text", CONF_STATS_TEXT},
	{"json", CONF_STATS_JSON}, {"false", CONF_STATS_OFF},
	{"true", CONF_STATS_TEXT}, {"", 0},
};

static const struct word sites_words[] = {
	{"off", CONF_SITES_OFF},      {"sampled", CONF_SITES_SAMPLED},
	{"all", CONF_SITES_ALL},      {"false", CONF_SITES_OFF},
	{"true", CONF_SITES_SAMPLED}, {"", 0},
};

static const struct word time_words[] = {{"never", CONF_NEVER}, {"", 0}};

/* Units, largest first. The value of the last is that of having no unit: a time
 * must have one, unless it is 0. */
static const struct word time_units[] = {
	{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {"", 0},
};

static const struct word size_units[] = {
	{"t", (uint64_t)1 << 40},
	{"tib", (uint64_t)1 << 40},
	{"tb", (uint64_t)1 << 40},
	{"g", 1 << 30},
	{"gib", 1 << 30},
	{"gb", 1 << 30},
	{"m", 1 << 20},
	{"mib", 1 << 20},
	{"mb", 1 << 20},
	{"k", 1 << 10},
	{"kib", 1 << 10},
	{"kb", 1 << 10},
	{"b", 1},
	{"", 1},
};

struct type {
	struct value_type_text text;
	const struct word *words;
	const struct word *units; /* NULL: not a number */
	uint64_t max;
};

static const struct type types[] = {
	[VALUE_BOOL] = {{"bool", "true or false"}, bool_words, NULL, 1},
	[VALUE_SIZE] = {{"size", "a size such as 512k, 10m or 2g"},
			no_words,
			size_units,
			SIZE_MAX},
	[VALUE_TIME] = {{"time", "a time such as 10s, 500ms, 0 or never"},
			time_words,
			time_units,
			INT64_MAX},
	[VALUE_STATS] = {{"format", "off, text or json"},
			 stats_words,
			 NULL,
			 CONF_STATS_JSON},
	[VALUE_SITES] = {{"sites", "off, sampled or all"},
			 sites_words,
			 NULL,
			 CONF_SITES_ALL},
};

const struct value_type_text *value_type_text(enum value_type type)
{
	return &types[type].text;
}

static bool span_is_unit(struct span span, const char *unit)
{
	if (span.length != strlen(unit))
		return false;
	for (size_t i = 0; i < span.length; i++)
		if (lower(span.at[i]) != unit[i])
			return false;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_number(struct span *rest, uint64_t *n)
{
	size_t i = 0;
	for (*n = 0; i < rest->length && is_digit(rest->at[i]); i++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(rest->at[i] - '0'),
					   n))
			return false;
	span_cut(rest, i);
	return i > 0;
}

static bool read_unit(const struct word *unit, struct span text,
		      uint64_t *factor)
{
	for (;; unit++) {
		if (span_is_unit(text, unit->name)) {
			*factor = unit->value;
			return true;
		}
		if (unit->name[0] == '\0')
			return false;
	}
}

bool value_read(enum value_type type, struct span text, uint64_t *value)
{
	const struct type *t = &types[type];
	uint64_t factor;
	for (const struct word *word = t->words; word->name[0] != '\0'; word++)
		if (span_is(text, word->name)) {
			*value = word->value;
			return true;
		}
	if (t->units == NULL || !read_number(&text, value) ||
	    !read_unit(t->units, text, &factor))
		return false;
	if (factor == 0 && *value != 0)
		return false;
	return !__builtin_mul_overflow(*value, factor, value) &&
	       *value <= t->max;
}

void value_write(enum value_type type, uint64_t value,
		 char text[VALUE_TEXT_BYTES])
{
	const struct type *t = &types[type];
	for (const struct word *word = t->words; word->name[0] != '\0'; word++)
		if (word->value == value) {
			strcpy(text, word->name);
			return;
		}
	const struct word *unit = t->units;
	if (unit == NULL || value == 0) {
		strcpy(text, "0");
		return;
	}
	while (value % unit->value != 0)
		unit++;
	message_format(text, VALUE_TEXT_BYTES, "%llu%s",
		       (unsigned long long)(value / unit->value), unit->name);
}
