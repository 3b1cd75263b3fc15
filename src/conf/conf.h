/*
 * conf: the options, from the environment, a file and the program itself.
 *
 * `conf` is valid from the start: it holds the defaults until conf_load has
 * been called. Nothing here allocates, uses stdio or reads the locale.
 *
 * Text of options, in every source: entries `name:value`, separated by commas
 * or newlines; blanks around a name or a value do not count, and '#' starts a
 * comment that ends with its line. Of two entries for one option the last
 * counts. An entry that is wrong is named on stderr and otherwise ignored.
 */
#ifndef TARN_CONF_CONF_H
#define TARN_CONF_CONF_H

#include "base/attr.h"

#define CONF_FILE "/etc/tarn.conf"
/* The file is read up to here. */
#define CONF_FILE_BYTES 4096

/* A decay of conf.decay_ms; longer than any time that can be given. */
#define CONF_NEVER UINT64_MAX

enum conf_stats {
	CONF_STATS_OFF,
	CONF_STATS_TEXT,
	CONF_STATS_JSON,
};

enum conf_sites {
	CONF_SITES_OFF,
	CONF_SITES_SAMPLED,
	CONF_SITES_ALL,
};

#define CONF_FIELD_BOOL bool
#define CONF_FIELD_SIZE size_t
#define CONF_FIELD_TIME uint64_t /* milliseconds, at most INT64_MAX */
#define CONF_FIELD_STATS enum conf_stats
#define CONF_FIELD_SITES enum conf_sites

/*
 * One field for each line of options.def: decay_ms, cache_bytes,
 * magazine_bytes, check, stats, leaks, collect_bytes, collect_ms, sites, ...
 *
 * Written by conf_load before there are other threads; after that, only fields
 * settable at run time, each by one relaxed store: read those with
 * load_relaxed(). What others write is in other cache lines.
 */
struct CACHE_ALIGNED conf {
#define OPTION(name, field, type, initial, at_run_time, help)                  \
	CONF_FIELD_##type field;
#include "conf/options.def"
#undef OPTION
};

extern struct conf conf;

/*
 * Reads the sources, each overriding those before: the program's tarn_conf,
 * then CONF_FILE, then TARN_CONF. In a set-uid program only the first. Aborts
 * if an entry was wrong and conf.strict is true at the end, wherever it was
 * set.
 *
 * false if it is too early to know the environment: nothing was read, call
 * again later. errno is kept. Not thread-safe.
 */
bool conf_load(void);

/*
 * Takes the LENGTH bytes at TEXT as options; SOURCE is named in messages.
 * Returns how many entries were wrong. conf_parse_file does so with a file (one
 * that cannot be read is empty).
 */
size_t conf_parse(const char *source, const char *text, size_t length);
size_t conf_parse_file(const char *path);

/*
 * Sets one option at run time. 0, ENOENT (no such option), EPERM (only settable
 * at start) or EINVAL (bad value). Thread-safe.
 */
int conf_set(const char *name, const char *value);

/*
 * The value of an option, as conf_set would take it, into BUFFER of SIZE bytes,
 * terminated if SIZE is not 0. 0, ENOENT or ERANGE (it was cut). Thread-safe.
 */
int conf_get(const char *name, char *buffer, size_t size);

/* Writes all options, with values and defaults, to FD. */
void conf_print_help(int fd);

/*
 * What the manual is made from: the option numbered I, false if there is none.
 */
struct conf_description {
	const char *name;
	const char *argument; /* what the value is, in a word: "time" */
	const char *accepts;  /* which values, in a phrase */
	const char *help;
	bool at_run_time;
	char initial[24]; /* the default, as text */
};

bool conf_describe(size_t i, struct conf_description *description);

#endif
