/*
 * lsan_options: KEY=VALUE with colons, commas or blanks between, and lines.
 */
#include "api/lsan_options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/pattern.h"
#include "base/syscall.h"
#include "conf/span.h"
#include "trace/roots.h"

#define BETWEEN ":, \t\r\n"

static int read_int(struct span text)
{
	int n = 0;
	bool is_negative = text.length > 0 && text.at[0] == '-';
	for (size_t i = is_negative; i < text.length; i++)
		if (text.at[i] >= '0' && text.at[i] <= '9' && n < 100000000)
			n = n * 10 + (text.at[i] - '0');
	return is_negative ? -n : n;
}

static bool read_bool(struct span text)
{
	return span_is(text, "true") || span_is(text, "yes") ||
	       read_int(text) != 0;
}

static void read_path(struct span text, char path[LSAN_PATH_BYTES])
{
	if (text.length >= LSAN_PATH_BYTES)
		return;
	memcpy(path, text.at, text.length);
	path[text.length] = '\0';
}

static bool take_root_kind(struct lsan_options *options, struct span key,
			   struct span value)
{
	static const struct {
		const char *key;
		unsigned kind;
	} kinds[] = {
		{"use_globals", ROOT_GLOBALS},
		{"use_stacks", ROOT_STACKS},
		{"use_registers", ROOT_REGISTERS},
		{"use_tls", ROOT_TLS},
		{"use_root_regions", ROOT_REGIONS},
		{"use_mappings", ROOT_MAPPINGS}, /* ours */
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_is(key, kinds[i].key))
			continue;
		options->root_kinds |= kinds[i].kind;
		if (!read_bool(value))
			options->root_kinds &= ~kinds[i].kind;
		return true;
	}
	return false;
}

static void take(struct lsan_options *options, struct span key,
		 struct span value)
{
	if (take_root_kind(options, key, value))
		return;
	if (span_is(key, "suppressions"))
		read_path(value, options->suppressions_file);
	else if (span_is(key, "log_path"))
		read_path(value, options->log_path);
	else if (span_is(key, "exitcode"))
		options->exitcode = read_int(value);
	else if (span_is(key, "max_leaks"))
		options->max_leaks = (uint32_t)read_int(value);
	else if (span_is(key, "detect_leaks"))
		options->detect_leaks = read_bool(value);
	else if (span_is(key, "report_objects"))
		options->report_objects = read_bool(value);
	else if (span_is(key, "print_suppressions"))
		options->print_suppressions = read_bool(value);
}

/* A value may stand in quotes, with what would end it inside. */
static struct span cut_value(struct span *rest)
{
	char quote = rest->length > 0 ? rest->at[0] : '\0';
	if (quote != '\'' && quote != '"')
		return span_cut(rest, span_find(*rest, BETWEEN));
	char stop[] = {quote, '\0'};
	span_cut(rest, 1);
	struct span value = span_cut(rest, span_find(*rest, stop));
	if (rest->length > 0)
		span_cut(rest, 1);
	return value;
}

void lsan_options_read(struct lsan_options *options, const char *text)
{
	struct span rest = span_of(text == NULL ? "" : text);
	while (rest.length > 0) {
		struct span key = span_cut(&rest, span_find(rest, "=" BETWEEN));
		if (rest.length == 0)
			return;
		bool has_value = rest.at[0] == '=';
		span_cut(&rest, 1);
		if (has_value)
			take(options, key, cut_value(&rest));
	}
}

static void add_line(struct lsan_suppressions *suppressions, struct span line)
{
	static const char prefix[] = "leak:";
	size_t skipped = sizeof(prefix) - 1;
	size_t room = sizeof(suppressions->text) - suppressions->length;
	line = span_trim(line);
	if (line.length <= skipped || memcmp(line.at, prefix, skipped) != 0 ||
	    line.length - skipped >= room ||
	    suppressions->n == LSAN_SUPPRESSIONS_MAX)
		return;
	char *pattern = suppressions->text + suppressions->length;
	memcpy(pattern, line.at + skipped, line.length - skipped);
	pattern[line.length - skipped] = '\0';
	suppressions->length += line.length - skipped + 1;
	suppressions->all[suppressions->n++] =
		(struct lsan_suppression){.pattern = pattern};
}

void lsan_suppressions_add(struct lsan_suppressions *suppressions,
			   const char *text, size_t length)
{
	struct span rest = {text, length};
	while (rest.length > 0) {
		add_line(suppressions, span_cut(&rest, span_find(rest, "\n")));
		if (rest.length > 0)
			span_cut(&rest, 1);
	}
}

bool lsan_suppressions_add_file(struct lsan_suppressions *suppressions,
				const char *path)
{
	/* Guarded by the caller, like all of this. */
	static char text[LSAN_SUPPRESSIONS_BYTES];
	size_t length = 0;
	long fd = os_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC),
	     n;
	if (fd < 0)
		return false;
	while (length < sizeof(text) &&
	       (n = os_syscall(SYS_read, fd, text + length,
			       sizeof(text) - length)) > 0)
		length += (size_t)n;
	os_syscall(SYS_close, fd);
	lsan_suppressions_add(suppressions, text, length);
	return true;
}

struct lsan_suppression *
lsan_suppression_for(struct lsan_suppressions *suppressions, const char *text)
{
	for (size_t i = 0; i < suppressions->n; i++)
		if (pattern_matches(suppressions->all[i].pattern, text))
			return &suppressions->all[i];
	return NULL;
}
