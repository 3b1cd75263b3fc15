/*
 * conf: one table of options, and what is made from it.
 *
 * Every value, whatever its type, is a uint64_t between its text (conf/value.h)
 * and its field of struct conf (set_field, get_field).
 *
 * This may run inside the program's first malloc, before anything is
 * initialised. So the environment is searched here and the file is read with
 * bare system calls: programs and preloaded libraries have a getenv (bash) or
 * an open of their own, which might allocate.
 */
#define _GNU_SOURCE
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/message.h"
#include "base/syscall.h"
#include "conf/value.h"
#include "tarn.h"

#define QUOTE_BYTES 48 /* of what is quoted in a message */
#define NAME_MAX_BYTES 15

/* The program may define it; a hidden reference would not be bound to it. */
extern const char *tarn_conf __attribute__((weak, visibility("default")));

struct conf conf = {
#define OPTION(name, field, type, initial, at_run_time, help)                  \
	.field = (initial),
#include "conf/options.def"
#undef OPTION
};

/* --- the table ------------------------------------------------------- */

struct option {
	const char *name;
	const char *help;
	void *field;
	uint64_t initial;
	enum value_type type;
	bool at_run_time;
};

static const struct option options[] = {
#define OPTION(name, field, type, initial, at_run_time, help)                  \
	{#name, help, &conf.field, initial, VALUE_##type, at_run_time},
#include "conf/options.def"
#undef OPTION
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static void set_field(const struct option *option, uint64_t value)
{
	switch (option->type) {
	case VALUE_BOOL:
		store_relaxed((bool *)option->field, value != 0);
		break;
	case VALUE_SIZE:
		store_relaxed((size_t *)option->field, (size_t)value);
		break;
	case VALUE_TIME:
		store_relaxed((uint64_t *)option->field, value);
		break;
	case VALUE_STATS:
		store_relaxed((enum conf_stats *)option->field,
			      (enum conf_stats)value);
		break;
	case VALUE_SITES:
		store_relaxed((enum conf_sites *)option->field,
			      (enum conf_sites)value);
		break;
	}
}

static uint64_t get_field(const struct option *option)
{
	switch (option->type) {
	case VALUE_BOOL:
		return load_relaxed((bool *)option->field);
	case VALUE_SIZE:
		return load_relaxed((size_t *)option->field);
	case VALUE_TIME:
		return load_relaxed((uint64_t *)option->field);
	case VALUE_STATS:
		return load_relaxed((enum conf_stats *)option->field);
	case VALUE_SITES:
		return load_relaxed((enum conf_sites *)option->field);
	}
	return 0;
}

/* --- names ----------------------------------------------------------- */

static const struct option *find_option(struct span name)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (span_is(name, options[i].name))
			return &options[i];
	return NULL;
}

/*
 * How many letters to insert, drop or change to make B of A (Levenshtein). A is
 * at most NAME_MAX_BYTES long.
 */
static size_t edit_distance(struct span a, struct span b)
{
	uint8_t row[NAME_MAX_BYTES + 1];
	for (size_t i = 0; i <= a.length; i++)
		row[i] = (uint8_t)i;
	for (size_t j = 0; j < b.length; j++) {
		/* row[i] is the distance of a's first i letters to b's first j;
		 * `corner` is what row[i - 1] was before. */
		uint8_t corner = row[0];
		row[0] = (uint8_t)(j + 1);
		for (size_t i = 1; i <= a.length; i++) {
			uint8_t best = corner + (a.at[i - 1] != b.at[j]);
			corner = row[i];
			if (row[i] + 1 < best)
				best = row[i] + 1;
			if (row[i - 1] + 1 < best)
				best = row[i - 1] + 1;
			row[i] = best;
		}
	}
	return row[a.length];
}

/*
 * The option whose name is most like NAME, or NULL if none is like it. One
 * letter in three may be wrong. What follows the letters does not count, so
 * that "decay=1s" is like "decay".
 */
static const struct option *find_nearest(struct span name)
{
	const struct option *nearest = NULL;
	size_t nearest_distance = SIZE_MAX;
	size_t n = 0;
	while (n < name.length && is_letter(name.at[n]))
		n++;
	name.length = n;
	if (n > NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < N_OPTIONS; i++) {
		struct span candidate = span_of(options[i].name);
		size_t distance = edit_distance(name, candidate);
		if (distance < nearest_distance &&
		    distance <= (candidate.length + 1) / 3) {
			nearest = &options[i];
			nearest_distance = distance;
		}
	}
	return nearest;
}

/* --- the sources ----------------------------------------------------- */

/* What can be printed of SPAN, for a message. */
static const char *quote(struct span span, char buffer[QUOTE_BYTES])
{
	bool is_long = span.length >= QUOTE_BYTES;
	size_t n = is_long ? QUOTE_BYTES - 4 : span.length;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)span.at[i];
		buffer[i] = c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	strcpy(buffer + n, is_long ? "..." : "");
	return buffer;
}

static void complain_of_name(const char *source, struct span name)
{
	char quoted[QUOTE_BYTES];
	const struct option *nearest = find_nearest(name);
	quote(name, quoted);
	if (nearest != NULL)
		message_print("%s: unknown option \"%s\"; did you mean \"%s\"?",
			      source, quoted, nearest->name);
	else
		message_print("%s: unknown option \"%s\"", source, quoted);
}

static void complain_of_value(const char *source, const struct option *option,
			      struct span value)
{
	char quoted[QUOTE_BYTES];
	message_print("%s: bad value \"%s\" for option \"%s\": %s", source,
		      quote(value, quoted), option->name,
		      value_type_text(option->type)->accepts);
}

static bool parse_entry(const char *source, struct span entry)
{
	size_t colon = span_find(entry, ":");
	struct span name = span_trim(span_cut(&entry, colon));
	if (entry.length > 0)
		span_cut(&entry, 1);
	struct span value = span_trim(entry);
	uint64_t number;
	const struct option *option = find_option(name);
	if (option == NULL) {
		complain_of_name(source, name);
		return false;
	}
	if (!value_read(option->type, value, &number)) {
		complain_of_value(source, option, value);
		return false;
	}
	set_field(option, number);
	return true;
}

/* Cuts the next entry off REST, with what separates it from the one after. */
static struct span cut_entry(struct span *rest)
{
	struct span entry = span_cut(rest, span_find(*rest, ",\n#"));
	if (rest->length > 0 && rest->at[0] == '#')
		span_cut(rest, span_find(*rest, "\n"));
	if (rest->length > 0)
		span_cut(rest, 1);
	return span_trim(entry);
}

size_t conf_parse(const char *source, const char *text, size_t length)
{
	struct span rest = {text, length};
	size_t n_wrong = 0;
	while (rest.length > 0) {
		struct span entry = cut_entry(&rest);
		if (entry.length > 0 && !parse_entry(source, entry))
			n_wrong++;
	}
	return n_wrong;
}

/* Reads up to SIZE bytes of the file at PATH; 0 if it cannot. */
static size_t read_file(const char *path, char *buffer, size_t size)
{
	size_t length = 0;
	long fd = os_syscall(SYS_openat, AT_FDCWD, path,
			     O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return 0;
	while (length < size) {
		long n = os_syscall(SYS_read, fd, buffer + length,
				    size - length);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	os_syscall(SYS_close, fd);
	return length;
}

size_t conf_parse_file(const char *path)
{
	/* Static, because the stack of who calls malloc first may be small. */
	static char text[CONF_FILE_BYTES + 1];
	size_t length = read_file(path, text, sizeof(text));
	if (length <= CONF_FILE_BYTES)
		return conf_parse(path, text, length);
	message_print("%s: longer than %d bytes, ignored from there on", path,
		      CONF_FILE_BYTES);
	while (length > 0 && text[length - 1] != '\n')
		length--;
	return conf_parse(path, text, length) + 1;
}

static const char *find_environment(const char *name)
{
	size_t length = strlen(name);
	for (char **entry = environ; *entry != NULL; entry++)
		if (strncmp(*entry, name, length) == 0 &&
		    (*entry)[length] == '=')
			return *entry + length + 1;
	return NULL;
}

bool conf_load(void)
{
	bool is_secure = getauxval(AT_SECURE) != 0;
	/* libc sets environ before any constructor runs. A malloc before that
	 * is the loader's, and the program's own tarn_conf may not be
	 * relocated. */
	if (environ == NULL)
		return false;

	size_t n_wrong = 0;
	if (&tarn_conf != NULL && tarn_conf != NULL)
		n_wrong +=
			conf_parse("tarn_conf", tarn_conf, strlen(tarn_conf));
	if (!is_secure) {
		const char *text = find_environment("TARN_CONF");
		n_wrong += conf_parse_file(CONF_FILE);
		if (text != NULL)
			n_wrong += conf_parse("TARN_CONF", text, strlen(text));
	}
	/* What was wrong has been said on stderr. */
	if (n_wrong > 0 && conf.strict)
		abort();
	return true;
}

/* --- options at run time --------------------------------------------- */

int conf_set(const char *name, const char *value)
{
	uint64_t number;
	const struct option *option = find_option(span_of(name));
	if (option == NULL)
		return ENOENT;
	if (!option->at_run_time)
		return EPERM;
	if (!value_read(option->type, span_trim(span_of(value)), &number))
		return EINVAL;
	set_field(option, number);
	return 0;
}

int conf_get(const char *name, char *buffer, size_t size)
{
	char text[VALUE_TEXT_BYTES];
	const struct option *option = find_option(span_of(name));
	if (option == NULL)
		return ENOENT;
	value_write(option->type, get_field(option), text);
	if (size > 0)
		message_format(buffer, size, "%s", text);
	return strlen(text) < size ? 0 : ERANGE;
}

/* --- help ------------------------------------------------------------ */

bool conf_describe(size_t i, struct conf_description *description)
{
	if (i >= N_OPTIONS)
		return false;
	const struct option *option = &options[i];
	const struct value_type_text *type = value_type_text(option->type);
	*description = (struct conf_description){
		.name = option->name,
		.argument = type->argument,
		.accepts = type->accepts,
		.help = option->help,
		.at_run_time = option->at_run_time,
	};
	value_write(option->type, option->initial, description->initial);
	return true;
}

/* Writes TEXT in lines of at most 70 columns, each after eight blanks. */
static void print_paragraph(int fd, const char *text)
{
	char line[128];
	while (*text != '\0') {
		size_t n = strlen(text);
		if (n > 70)
			for (n = 70; text[n] != ' '; n--)
				;
		size_t length = message_format(line, sizeof(line), "        ");
		memcpy(line + length, text, n);
		line[length + n] = '\n';
		message_write(fd, line, length + n + 1);
		text += n;
		text += *text == ' ';
	}
}

static void print_option(int fd, const struct option *option)
{
	char line[160], now[VALUE_TEXT_BYTES], initial[VALUE_TEXT_BYTES];
	value_write(option->type, get_field(option), now);
	value_write(option->type, option->initial, initial);
	size_t n = message_format(
		line, sizeof(line), "  %s: %s (default %s, now %s)\n",
		option->name, value_type_text(option->type)->accepts, initial,
		now);
	message_write(fd, line, n);
	print_paragraph(fd, option->help);
}

void conf_print_help(int fd)
{
	char line[160];
	size_t n = message_format(
		line, sizeof(line),
		"tarn " TARN_VERSION
		": options as \"name:value,name:value\" in TARN_CONF,"
		" in " CONF_FILE ",\nor in the program's tarn_conf\n");
	message_write(fd, line, n);
	for (size_t i = 0; i < N_OPTIONS; i++)
		print_option(fd, &options[i]);
}
