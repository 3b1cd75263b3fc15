/*
 * test_conf: options from text, from the three sources and at run time.
 *
 * Criterion runs each test in a process of its own, so each finds the defaults.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/value.h"

/* What a program may define, and tarn looks for. */
extern const char *tarn_conf;
const char *tarn_conf;

static size_t parse(const char *text)
{
	return conf_parse("TEST", text, strlen(text));
}

static void assert_stderr(const char *expected)
{
	fflush(stderr);
	cr_assert_stderr_eq_str(expected);
}

/* A file that holds TEXT; its name is good until the next call. */
static const char *file_with(const char *text, size_t length)
{
	static char path[32];
	strcpy(path, "/tmp/test_conf_XXXXXX");
	int fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert(write(fd, text, length) == (ssize_t)length);
	close(fd);
	return path;
}

Test(conf, defaults_hold_before_anything_is_read)
{
	cr_expect(conf.decay_ms == 1000);
	cr_expect(conf.cache_bytes == 0);
	cr_expect(conf.magazine_bytes == 8388608);
	cr_expect(!conf.check);
	cr_expect(conf.stats == CONF_STATS_OFF);
	cr_expect(!conf.strict);
	cr_expect(!conf.deepbind);
	cr_expect(!conf.help);
}

Test(conf, entries_are_separated_by_commas_and_newlines)
{
	cr_assert(parse("decay:10s,cache:2m\ncheck:true") == 0);
	cr_expect(conf.decay_ms == 10000);
	cr_expect(conf.cache_bytes == 2 << 20);
	cr_expect(conf.check);
}

Test(conf, blanks_and_empty_entries_do_not_count)
{
	cr_assert(parse(",, \t decay : 10s ,\r\n\n cache:1k ,") == 0);
	cr_expect(conf.decay_ms == 10000);
	cr_expect(conf.cache_bytes == 1024);
}

Test(conf, a_comment_ends_with_its_line)
{
	cr_assert(parse("# decay:1h, check:true\n"
			"cache:1m # check:true, decay:2h\n"
			"decay:5s#") == 0);
	cr_expect(conf.decay_ms == 5000);
	cr_expect(conf.cache_bytes == 1 << 20);
	cr_expect(!conf.check);
}

Test(conf, the_last_entry_of_a_source_counts)
{
	cr_assert(parse("decay:1s,decay:2s,decay:3s") == 0);
	cr_expect(conf.decay_ms == 3000);
}

Test(conf, text_needs_no_terminator, .init = cr_redirect_stderr)
{
	cr_assert(conf_parse("TEST", "decay:10s", 8) == 1);
	cr_expect(conf.decay_ms == 1000, "decay:10 has no unit");
	cr_assert(conf_parse("TEST", "decay:10sX", 9) == 0);
	cr_expect(conf.decay_ms == 10000);
}

/* --- values ---------------------------------------------------------- */

static void expect_value(enum value_type type, const char *text,
			 uint64_t expected)
{
	uint64_t value = 0;
	cr_expect(value_read(type, span_of(text), &value), "%s", text);
	cr_expect(value == expected, "%s is %llu", text,
		  (unsigned long long)value);
}

static void expect_no_value(enum value_type type, const char *text)
{
	uint64_t value;
	cr_expect_not(value_read(type, span_of(text), &value), "%s", text);
}

Test(conf, sizes_have_binary_units_in_either_case)
{
	expect_value(VALUE_SIZE, "0", 0);
	expect_value(VALUE_SIZE, "4097", 4097);
	expect_value(VALUE_SIZE, "12b", 12);
	expect_value(VALUE_SIZE, "512k", 512 << 10);
	expect_value(VALUE_SIZE, "512K", 512 << 10);
	expect_value(VALUE_SIZE, "512kb", 512 << 10);
	expect_value(VALUE_SIZE, "512KiB", 512 << 10);
	expect_value(VALUE_SIZE, "10m", 10 << 20);
	expect_value(VALUE_SIZE, "2g", (uint64_t)2 << 30);
	expect_value(VALUE_SIZE, "3TiB", (uint64_t)3 << 40);
	expect_value(VALUE_SIZE, "18446744073709551615", UINT64_MAX);
	expect_value(VALUE_SIZE, "16777215t", (uint64_t)16777215 << 40);
}

Test(conf, what_is_no_size_is_refused)
{
	static const char *const wrong[] = {
		"",
		"k",
		"-1",
		"+1",
		"1.5m",
		"10 k",
		"0x10",
		"ten",
		"10kk",
		"10s",
		"1ki",
		"1e3",
		"never",
		"true",
		"10mib ",
		" 1k",
		"18446744073709551616",
		"16777216t",
		"99999999999999999999999",
		"18014398509481984k",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_no_value(VALUE_SIZE, wrong[i]);
}

Test(conf, times_need_a_unit_unless_zero)
{
	expect_value(VALUE_TIME, "0", 0);
	expect_value(VALUE_TIME, "000", 0);
	expect_value(VALUE_TIME, "500ms", 500);
	expect_value(VALUE_TIME, "10s", 10000);
	expect_value(VALUE_TIME, "2m", 120000);
	expect_value(VALUE_TIME, "1h", 3600000);
	expect_value(VALUE_TIME, "never", CONF_NEVER);
	expect_value(VALUE_TIME, "9223372036854775807ms", INT64_MAX);
}

Test(conf, what_is_no_time_is_refused)
{
	static const char *const wrong[] = {
		"",
		"10",
		"s",
		"10k",
		"1d",
		"-1s",
		"forever",
		"nevers",
		"9223372036854775808ms",
		"18446744073709551615ms",
		"9223372036854776s",
		"5124095576030432h",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_no_value(VALUE_TIME, wrong[i]);
}

Test(conf, words_are_whole_and_lowercase)
{
	expect_value(VALUE_BOOL, "true", 1);
	expect_value(VALUE_BOOL, "false", 0);
	expect_no_value(VALUE_BOOL, "");
	expect_no_value(VALUE_BOOL, "tru");
	expect_no_value(VALUE_BOOL, "truer");
	expect_no_value(VALUE_BOOL, "True");
	expect_no_value(VALUE_BOOL, "1");
	expect_value(VALUE_STATS, "off", CONF_STATS_OFF);
	expect_value(VALUE_STATS, "false", CONF_STATS_OFF);
	expect_value(VALUE_STATS, "text", CONF_STATS_TEXT);
	expect_value(VALUE_STATS, "true", CONF_STATS_TEXT);
	expect_value(VALUE_STATS, "json", CONF_STATS_JSON);
	expect_no_value(VALUE_STATS, "xml");
	expect_no_value(VALUE_STATS, "0");
}

Test(conf, what_is_written_reads_back_the_same)
{
	uint64_t n = 1, value;
	char text[VALUE_TEXT_BYTES];
	for (int i = 0; i < 1000; i++) {
		n = n * 6364136223846793005 + 1442695040888963407;
		uint64_t number = n >> (n >> 58);
		value_write(VALUE_SIZE, number, text);
		expect_value(VALUE_SIZE, text, number);
		number &= INT64_MAX;
		value_write(VALUE_TIME, number, text);
		expect_value(VALUE_TIME, text, number);
	}
	for (value = 0; value <= CONF_STATS_JSON; value++) {
		value_write(VALUE_STATS, value, text);
		expect_value(VALUE_STATS, text, value);
	}
	value_write(VALUE_TIME, CONF_NEVER, text);
	cr_expect_str_eq(text, "never");
	value_write(VALUE_SIZE, UINT64_MAX, text);
	cr_expect_str_eq(text, "18446744073709551615b");
}

/* --- what is wrong --------------------------------------------------- */

Test(conf, an_unknown_name_is_named_with_the_nearest,
     .init = cr_redirect_stderr)
{
	cr_expect(parse("dekay:1s,stas:true,chace:1m,Deepbind:true") == 4);
	assert_stderr(
		"tarn: TEST: unknown option \"dekay\"; did you mean \"decay\"?\n"
		"tarn: TEST: unknown option \"stas\"; did you mean \"stats\"?\n"
		"tarn: TEST: unknown option \"chace\"; did you mean \"cache\"?\n"
		"tarn: TEST: unknown option \"Deepbind\";"
		" did you mean \"deepbind\"?\n");
}

Test(conf, a_name_like_none_has_no_nearest, .init = cr_redirect_stderr)
{
	cr_expect(parse("background_thread:true,:1,x") == 3);
	assert_stderr("tarn: TEST: unknown option \"background_thread\"\n"
		      "tarn: TEST: unknown option \"\"\n"
		      "tarn: TEST: unknown option \"x\"\n");
}

Test(conf, an_equals_sign_still_finds_the_nearest, .init = cr_redirect_stderr)
{
	cr_expect(parse("decay=10s") == 1);
	assert_stderr("tarn: TEST: unknown option \"decay=10s\";"
		      " did you mean \"decay\"?\n");
}

Test(conf, a_bad_value_is_named_with_what_is_accepted,
     .init = cr_redirect_stderr)
{
	cr_expect(parse("decay:x,cache:1z,check,stats:xml") == 4);
	assert_stderr("tarn: TEST: bad value \"x\" for option \"decay\":"
		      " a time such as 10s, 500ms, 0 or never\n"
		      "tarn: TEST: bad value \"1z\" for option \"cache\":"
		      " a size such as 512k, 10m or 2g\n"
		      "tarn: TEST: bad value \"\" for option \"check\":"
		      " true or false\n"
		      "tarn: TEST: bad value \"xml\" for option \"stats\":"
		      " off, text or json\n");
}

Test(conf, what_is_wrong_is_ignored_and_the_rest_counts,
     .init = cr_redirect_stderr)
{
	cr_expect(parse("cache:1m,decay:x,sausage:1,cache:oops,check:true") ==
		  3);
	cr_expect(conf.decay_ms == 1000);
	cr_expect(conf.cache_bytes == 1 << 20);
	cr_expect(conf.check);
}

Test(conf, messages_show_no_control_characters_and_cut_long_text,
     .init = cr_redirect_stderr)
{
	char text[] = "a\033[31m\0b:1,check:"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	cr_expect(conf_parse("TEST", text, sizeof(text) - 1) == 2);
	assert_stderr(
		"tarn: TEST: unknown option \"a?[31m?b\"\n"
		"tarn: TEST: bad value \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaa...\" for option \"check\": true or false\n");
}

/* --- the sources ----------------------------------------------------- */

Test(conf, a_file_has_the_same_form, .init = cr_redirect_stderr)
{
	static const char text[] = "# for all programs\n"
				   "decay: 3s\n"
				   "stats: text   # at exit\n"
				   "chek: true\n";
	char expected[128];
	const char *path = file_with(text, sizeof(text) - 1);
	cr_expect(conf_parse_file(path) == 1);
	cr_expect(conf.decay_ms == 3000);
	cr_expect(conf.stats == CONF_STATS_TEXT);
	snprintf(expected, sizeof(expected),
		 "tarn: %s: unknown option \"chek\"; did you mean \"check\"?\n",
		 path);
	assert_stderr(expected);
	unlink(path);
	/* Or the library prints them when this process exits. */
	conf.stats = CONF_STATS_OFF;
}

Test(conf, a_file_that_cannot_be_read_is_empty)
{
	cr_expect(conf_parse_file("/nonexistent/tarn.conf") == 0);
	cr_expect(conf_parse_file("/") == 0);
}

Test(conf, a_file_of_the_greatest_size_is_read_whole)
{
	char text[CONF_FILE_BYTES];
	memset(text, '\n', sizeof(text));
	memcpy(text + sizeof(text) - 10, "check:true", 10);
	const char *path = file_with(text, sizeof(text));
	cr_expect(conf_parse_file(path) == 0);
	cr_expect(conf.check);
	unlink(path);
}

Test(conf, a_file_too_long_is_cut_at_a_line_and_said_so,
     .init = cr_redirect_stderr)
{
	char text[CONF_FILE_BYTES + 100];
	char expected[128];
	memset(text, '\n', sizeof(text));
	memcpy(text, "decay:2s\n", 9);
	/* Across the limit: a part of it would be a valid entry. */
	memcpy(text + CONF_FILE_BYTES - 8, "decay:1sX", 9);
	memcpy(text + CONF_FILE_BYTES + 50, "check:true", 10);
	const char *path = file_with(text, sizeof(text));
	cr_expect(conf_parse_file(path) == 1);
	cr_expect(conf.decay_ms == 2000);
	cr_expect_not(conf.check);
	snprintf(expected, sizeof(expected),
		 "tarn: %s: longer than 4096 bytes, ignored from there on\n",
		 path);
	assert_stderr(expected);
	unlink(path);
}

Test(conf, the_environment_overrides_the_program)
{
	tarn_conf = "decay:2s,cache:2m";
	setenv("TARN_CONF_X", "decay:7s", 1);
	setenv("TARN_CONF", "decay:3s", 1);
	cr_assert(conf_load());
	cr_expect(conf.decay_ms == 3000);
	/* Unless this machine's file says otherwise. */
	if (access(CONF_FILE, F_OK) != 0)
		cr_expect(conf.cache_bytes == 2 << 20);
}

Test(conf, a_bad_value_leaves_what_a_lower_source_said,
     .init = cr_redirect_stderr)
{
	tarn_conf = "magazine:16k";
	setenv("TARN_CONF", "magazine:lots", 1);
	cr_assert(conf_load());
	if (access(CONF_FILE, F_OK) != 0)
		cr_expect(conf.magazine_bytes == 16384);
	assert_stderr("tarn: TARN_CONF: bad value \"lots\" for option"
		      " \"magazine\": a size such as 512k, 10m or 2g\n");
}

Test(conf, without_an_environment_nothing_is_read_until_there_is_one)
{
	static char entry[] = "TARN_CONF=decay:3s";
	static char *later[] = {entry, NULL};
	tarn_conf = "cache:2m";
	char **saved = environ;
	environ = NULL;
	bool was_loaded = conf_load();
	size_t cache_bytes = conf.cache_bytes;
	environ = later;
	bool is_loaded = conf_load();
	environ = saved;
	cr_expect_not(was_loaded);
	cr_expect(cache_bytes == 0);
	cr_expect(is_loaded);
	cr_expect(conf.decay_ms == 3000);
}

Test(conf, loading_keeps_errno)
{
	errno = E2BIG;
	cr_assert(conf_load());
	cr_expect(errno == E2BIG);
}

Test(conf, strict_before_the_error_aborts, .signal = SIGABRT,
     .init = cr_redirect_stderr)
{
	setenv("TARN_CONF", "strict:true,dekay:1s", 1);
	conf_load();
}

Test(conf, strict_after_the_error_aborts, .signal = SIGABRT,
     .init = cr_redirect_stderr)
{
	setenv("TARN_CONF", "dekay:1s,strict:true", 1);
	conf_load();
}

Test(conf, strict_in_the_program_makes_the_environment_strict,
     .signal = SIGABRT, .init = cr_redirect_stderr)
{
	tarn_conf = "strict:true";
	setenv("TARN_CONF", "decay:soon", 1);
	conf_load();
}

Test(conf, strict_can_be_taken_back, .init = cr_redirect_stderr)
{
	tarn_conf = "strict:true,dekay:1s";
	setenv("TARN_CONF", "strict:false", 1);
	cr_expect(conf_load());
}

Test(conf, strict_without_an_error_goes_on)
{
	setenv("TARN_CONF", "strict:true,decay:5s", 1);
	cr_assert(conf_load());
	cr_expect(conf.decay_ms == 5000);
}

/* --- at run time ----------------------------------------------------- */

Test(conf, an_option_can_be_set_at_run_time)
{
	cr_expect(conf_set("decay", "250ms") == 0);
	cr_expect(conf.decay_ms == 250);
	cr_expect(conf_set("decay", "never") == 0);
	cr_expect(conf.decay_ms == CONF_NEVER);
	cr_expect(conf_set("stats", "json") == 0);
	cr_expect(conf.stats == CONF_STATS_JSON);
	cr_expect(conf_set("deepbind", "true") == 0);
	cr_expect(conf.deepbind);
}

Test(conf, setting_says_what_is_wrong_and_changes_nothing)
{
	cr_expect(conf_set("dekay", "1s") == ENOENT);
	cr_expect(conf_set("", "1s") == ENOENT);
	cr_expect(conf_set("decay", "1") == EINVAL);
	cr_expect(conf_set("decay", "") == EINVAL);
	cr_expect(conf_set("magazine", "1k") == EPERM);
	cr_expect(conf_set("strict", "true") == EPERM);
	cr_expect(conf.decay_ms == 1000);
	cr_expect(conf.magazine_bytes == 8388608);
	cr_expect_not(conf.strict);
}

Test(conf, getting_gives_what_setting_takes)
{
	char text[VALUE_TEXT_BYTES];
	cr_expect(conf_get("decay", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "1s");
	cr_expect(conf_set("decay", "90s") == 0);
	cr_expect(conf_get("decay", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "90s");
	cr_expect(conf_get("magazine", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "8m");
	cr_expect(conf_get("cache", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "0");
	cr_expect(conf_get("stats", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "off");
	cr_expect(conf_get("check", text, sizeof(text)) == 0);
	cr_expect_str_eq(text, "false");
}

Test(conf, getting_into_a_short_buffer_cuts)
{
	char text[4] = "xyz";
	cr_expect(conf_get("check", text, 4) == ERANGE);
	cr_expect_str_eq(text, "fal");
	cr_expect(conf_get("magazine", text, 4) == 0);
	cr_expect_str_eq(text, "8m");
	cr_expect(conf_get("decay", text, 0) == ERANGE);
	cr_expect_str_eq(text, "8m");
	cr_expect(conf_get("dekay", text, 4) == ENOENT);
}

/* --- help ------------------------------------------------------------ */

Test(conf, help_names_every_option_in_lines_of_80)
{
	struct conf_description option;
	char help[8192], entry[32];
	int ends[2];
	cr_assert(pipe(ends) == 0);
	conf_print_help(ends[1]);
	close(ends[1]);
	size_t length = 0;
	ssize_t n;
	while ((n = read(ends[0], help + length, sizeof(help) - length)) > 0)
		length += (size_t)n;
	cr_assert(length > 0 && length < sizeof(help));
	help[length] = '\0';
	size_t i = 0;
	for (; conf_describe(i, &option); i++) {
		snprintf(entry, sizeof(entry), "\n  %s:", option.name);
		cr_expect(strstr(help, entry) != NULL, "%s", option.name);
	}
	cr_expect(i == 13);
	for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect(strlen(line) <= 80, "%s", line);
}
