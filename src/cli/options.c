/*
 * options: what the command line says, for run and report.
 */
#include "cli/options.h"
#include "cli/model.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum option_name {
	OPTION_LEAKS = 256,
	OPTION_SITES,
	OPTION_CHILDREN,
	OPTION_LIBRARY,
	OPTIONS_OF_BOTH, /* those before are of run */
	OPTION_FORMAT,
	OPTION_JSON,
	OPTION_DOT,
	OPTION_HTML,
	OPTION_SHOW,
	OPTION_MAX,
	OPTION_FAIL_ON,
	OPTION_SUPPRESSIONS,
	OPTION_NO_COLOR,
};

static const struct option all_options[] = {
	{"leaks", no_argument, NULL, OPTION_LEAKS},
	{"sites", required_argument, NULL, OPTION_SITES},
	{"children", required_argument, NULL, OPTION_CHILDREN},
	{"library", required_argument, NULL, OPTION_LIBRARY},
	{"format", required_argument, NULL, OPTION_FORMAT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"dot", no_argument, NULL, OPTION_DOT},
	{"html", required_argument, NULL, OPTION_HTML},
	{"show", required_argument, NULL, OPTION_SHOW},
	{"max", required_argument, NULL, OPTION_MAX},
	{"fail-on", required_argument, NULL, OPTION_FAIL_ON},
	{"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS},
	{"no-color", no_argument, NULL, OPTION_NO_COLOR},
	{"output", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct word {
	const char *name;
	unsigned int value;
};

static const struct word format_words[] = {
	{"text", FORMAT_TEXT}, {"json", FORMAT_JSON}, {"dot", FORMAT_DOT},
	{"lsan", FORMAT_LSAN}, {"html", FORMAT_HTML}, {NULL, 0},
};

static const struct word show_words[] = {
	{"possible", 1u << WIRE_POSSIBLE},
	{"foreign", 1u << WIRE_FOREIGN},
	{"all", 1u << WIRE_POSSIBLE | 1u << WIRE_FOREIGN},
	{NULL, 0},
};

static const struct word fail_on_words[] = {
	{"lost", 1u << WIRE_LOST | 1u << WIRE_SHARED},
	{"cycle", 1u << WIRE_CYCLE | 1u << WIRE_INNER_CYCLE},
	{"possible", 1u << WIRE_POSSIBLE},
	{NULL, 0},
};

static const struct word sites_words[] = {
	{"all", 0},
	{"sampled", 0},
	{"off", 0},
	{NULL, 0},
};

static const struct word yes_words[] = {
	{"yes", true},
	{"no", false},
	{NULL, 0},
};

static bool complain_of_value(const char *option, const char *text,
			      size_t length, const struct word *words)
{
	char known[128] = "";
	for (; words->name; words++) {
		if (known[0])
			strcat(known, ", ");
		strcat(known, words->name);
	}
	complain("--%s: unknown value '%.*s' (known: %s); try 'tarn --help'",
		 option, (int)length, text, known);
	return false;
}

/* The value of one of WORDS. */
static bool parse_word(const char *option, const char *text, size_t length,
		       const struct word *words, unsigned int *value)
{
	const struct word *word = words;
	for (; word->name; word++) {
		if (strlen(word->name) == length &&
		    memcmp(word->name, text, length) == 0) {
			*value = word->value;
			return true;
		}
	}
	return complain_of_value(option, text, length, words);
}

/* The bits of several WORDS, with commas between them. */
static bool parse_list(const char *option, const char *text,
		       const struct word *words, unsigned int *bits)
{
	for (;;) {
		unsigned int value = 0;
		size_t length = strcspn(text, ",");
		if (!parse_word(option, text, length, words, &value))
			return false;
		*bits |= value;
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}

static bool parse_max(const char *text, size_t *max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end) {
		complain("--max: '%s' is not a number; try 'tarn --help'",
			 text);
		return false;
	}
	*max = value;
	return true;
}

static bool set_run_option(struct options *options, int name, char *text)
{
	unsigned int value = 0;
	switch (name) {
	case OPTION_LEAKS:
		options->has_leaks = true;
		return true;
	case OPTION_SITES:
		options->sites = text;
		return parse_word("sites", text, strlen(text), sites_words,
				  &value);
	case OPTION_CHILDREN:
		if (!parse_word("children", text, strlen(text), yes_words,
				&value))
			return false;
		options->has_children = value;
		return true;
	default:
		options->library = text;
		return true;
	}
}

static bool set_option(struct options *options, int name, char *text)
{
	unsigned int value = 0;
	switch (name) {
	case OPTION_FORMAT:
		if (!parse_word("format", text, strlen(text), format_words,
				&value))
			return false;
		options->format = value;
		return true;
	case OPTION_JSON:
		options->format = FORMAT_JSON;
		return true;
	case OPTION_DOT:
		options->format = FORMAT_DOT;
		return true;
	case OPTION_HTML:
		options->format = FORMAT_HTML;
		options->output = text;
		return true;
	case OPTION_SHOW:
		return parse_list("show", text, show_words, &options->show);
	case OPTION_MAX:
		return parse_max(text, &options->max_findings);
	case OPTION_FAIL_ON:
		return parse_list("fail-on", text, fail_on_words,
				  &options->fail_on);
	case OPTION_SUPPRESSIONS:
		options->suppressions = text;
		return true;
	case OPTION_NO_COLOR:
		options->has_color = false;
		return true;
	case 'o':
		options->output = text;
		return true;
	default:
		options->wants_help = true;
		return true;
	}
}

bool options_complain(int result, const char *verb, const char *last)
{
	char letter[] = {'-', (char)optopt, '\0'};
	const char *text = optopt > 0 && optopt < 256 ? letter : last;
	if (result == ':')
		complain("%s: option '%s' needs a value; try 'tarn --help'",
			 verb, text);
	else
		complain("%s: unknown or wrong option '%s'; try 'tarn --help'",
			 verb, text);
	return false;
}

bool options_parse(struct options *options, bool is_run, int argc, char **argv)
{
	const struct option *known = all_options;
	const char *no_color = getenv("NO_COLOR");
	*options = (struct options){
		.max_findings = 20,
		.has_color = !(no_color && *no_color),
		.has_children = true,
	};
	while (!is_run && known->name && known->val < OPTIONS_OF_BOTH)
		known++;
	opterr = 0;
	optind = 1;
	for (;;) {
		/* What follows PROGRAM is its own. */
		int name = getopt_long(argc, argv, is_run ? "+:o:h" : ":o:h",
				       known, NULL);
		if (name == -1)
			break;
		if (name == '?' || name == ':')
			return options_complain(name, argv[0],
						argv[optind - 1]);
		if (!(name > 255 && name < OPTIONS_OF_BOTH
			      ? set_run_option(options, name, optarg)
			      : set_option(options, name, optarg)))
			return false;
	}
	options->first_operand = optind;
	if (!is_run || options->has_leaks || options->wants_help)
		return true;
	if (options->fail_on || options->output || options->suppressions ||
	    options->show || options->format != FORMAT_TEXT) {
		complain("run: without --leaks there is nothing to report; "
			 "try 'tarn --help'");
		return false;
	}
	return true;
}
