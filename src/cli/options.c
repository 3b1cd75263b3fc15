/*
 * options: what the command line says, for the verbs that show what leaks.
 */
#include "cli/options.h"
#include "cli/model.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL_MAX_S 86400

enum option_name {
	OPTION_LEAKS = 256,
	OPTION_SITES,
	OPTION_CHILDREN,
	OPTION_LIBRARY,
	OPTION_LOOKS,
	OPTION_INTERVAL,
	OPTION_GROWING,
	OPTION_DESPITE_SECCOMP,
	OPTION_DESPITE_MEMORY,
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

#define OF_LEAKS (VERB_RUN | VERB_REPORT | VERB_LEAKS)
#define OF_LIVE (VERB_LEAKS | VERB_WHO)
#define OF_ALL (OF_LEAKS | VERB_WHO)

static const struct {
	struct option option;
	unsigned int verbs;
} all_options[] = {
	{{"leaks", no_argument, NULL, OPTION_LEAKS}, VERB_RUN},
	{{"sites", required_argument, NULL, OPTION_SITES}, VERB_RUN},
	{{"children", required_argument, NULL, OPTION_CHILDREN}, VERB_RUN},
	{{"library", required_argument, NULL, OPTION_LIBRARY}, VERB_RUN},
	{{"looks", required_argument, NULL, OPTION_LOOKS}, VERB_LEAKS},
	{{"interval", required_argument, NULL, OPTION_INTERVAL}, VERB_LEAKS},
	{{"growing", no_argument, NULL, OPTION_GROWING}, VERB_LEAKS},
	{{"despite-seccomp", no_argument, NULL, OPTION_DESPITE_SECCOMP},
	 OF_LIVE},
	{{"despite-memory", no_argument, NULL, OPTION_DESPITE_MEMORY}, OF_LIVE},
	{{"format", required_argument, NULL, OPTION_FORMAT}, OF_ALL},
	{{"json", no_argument, NULL, OPTION_JSON}, OF_ALL},
	{{"dot", no_argument, NULL, OPTION_DOT}, OF_LEAKS},
	{{"html", required_argument, NULL, OPTION_HTML}, OF_LEAKS},
	{{"show", required_argument, NULL, OPTION_SHOW}, OF_LEAKS},
	{{"max", required_argument, NULL, OPTION_MAX}, OF_ALL},
	{{"fail-on", required_argument, NULL, OPTION_FAIL_ON}, OF_LEAKS},
	{{"suppressions", required_argument, NULL, OPTION_SUPPRESSIONS},
	 OF_LEAKS},
	{{"no-color", no_argument, NULL, OPTION_NO_COLOR}, OF_ALL},
	{{"output", required_argument, NULL, 'o'}, OF_ALL},
	{{"help", no_argument, NULL, 'h'}, OF_ALL},
};

#define N_OPTIONS (sizeof(all_options) / sizeof(all_options[0]))

struct word {
	const char *name;
	unsigned int value;
};

static const struct word format_words[] = {
	{"text", FORMAT_TEXT}, {"json", FORMAT_JSON}, {"dot", FORMAT_DOT},
	{"lsan", FORMAT_LSAN}, {"html", FORMAT_HTML}, {NULL, 0},
};

static const struct word who_format_words[] = {
	{"text", FORMAT_TEXT},
	{"json", FORMAT_JSON},
	{NULL, 0},
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

static const struct word fail_on_live_words[] = {
	{"lost", 1u << WIRE_LOST | 1u << WIRE_SHARED},
	{"cycle", 1u << WIRE_CYCLE | 1u << WIRE_INNER_CYCLE},
	{"possible", 1u << WIRE_POSSIBLE},
	{"growing", 1u << WIRE_REACHED},
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

static bool parse_looks(const char *text, unsigned int *n)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || value < 1 ||
	    value > OPTIONS_LOOKS_MAX) {
		complain("--looks: '%s' is not a number from 1 to %d; try "
			 "'tarn --help'",
			 text, OPTIONS_LOOKS_MAX);
		return false;
	}
	*n = (unsigned int)value;
	return true;
}

static bool parse_interval(const char *text, double *seconds)
{
	char *end;
	*seconds = strtod(text, &end);
	if (((text[0] < '0' || text[0] > '9') && text[0] != '.') || *end ||
	    !(*seconds <= INTERVAL_MAX_S)) {
		complain("--interval: '%s' is not a number of seconds from 0 "
			 "to %d; try 'tarn --help'",
			 text, INTERVAL_MAX_S);
		return false;
	}
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

static bool set_live_option(struct options *options, int name, const char *text)
{
	switch (name) {
	case OPTION_LOOKS:
		return parse_looks(text, &options->n_looks);
	case OPTION_INTERVAL:
		return parse_interval(text, &options->interval_s);
	case OPTION_GROWING:
		options->is_growing = true;
		return true;
	case OPTION_DESPITE_MEMORY:
		options->despite_memory = true;
		return true;
	default:
		options->despite_seccomp = true;
		return true;
	}
}

static bool parse_format(struct options *options, enum options_verb verb,
			 const char *text)
{
	unsigned int value = FORMAT_TEXT;
	bool is_good = parse_word(
		"format", text, strlen(text),
		verb == VERB_WHO ? who_format_words : format_words, &value);
	options->format = value;
	return is_good;
}

static bool set_option(struct options *options, enum options_verb verb,
		       int name, char *text)
{
	switch (name) {
	case OPTION_FORMAT:
		return parse_format(options, verb, text);
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
		return parse_list("fail-on", text,
				  verb == VERB_LEAKS ? fail_on_live_words
						     : fail_on_words,
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

static bool check_run(const struct options *options)
{
	if (!options->has_leaks &&
	    (options->fail_on || options->output || options->suppressions ||
	     options->show || options->format != FORMAT_TEXT)) {
		complain("run: without --leaks there is nothing to report; "
			 "try 'tarn --help'");
		return false;
	}
	return true;
}

static bool check_leaks(struct options *options)
{
	const char *wrong = NULL;
	if (options->n_looks == 0)
		options->n_looks = options->is_growing ? 3 : 2;
	if (options->interval_s < 0)
		options->interval_s = options->is_growing ? 10 : 0.2;
	if (options->is_growing && options->n_looks < 2)
		wrong = "what grows takes two looks to see: --looks=2 or more";
	else if (options->is_growing && (options->format == FORMAT_DOT ||
					 options->format == FORMAT_LSAN))
		wrong = "the formats dot and lsan do not have what is growing";
	else if (!options->is_growing && options->fail_on & 1u << WIRE_REACHED)
		wrong = "--fail-on=growing takes --growing";
	if (wrong)
		complain("leaks: %s; try 'tarn --help'", wrong);
	return !wrong;
}

static bool set_any_option(struct options *options, enum options_verb verb,
			   int name)
{
	if (name >= OPTION_LEAKS && name < OPTION_LOOKS)
		return set_run_option(options, name, optarg);
	if (name >= OPTION_LOOKS && name < OPTION_FORMAT)
		return set_live_option(options, name, optarg);
	return set_option(options, verb, name, optarg);
}

bool options_parse(struct options *options, enum options_verb verb, int argc,
		   char **argv)
{
	struct option known[N_OPTIONS + 1] = {{0}};
	const char *no_color = getenv("NO_COLOR");
	size_t n = 0;
	*options = (struct options){
		.max_findings = 20,
		.has_color = !(no_color && *no_color),
		.has_children = true,
		.interval_s = -1,
	};
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (all_options[i].verbs & verb)
			known[n++] = all_options[i].option;
	}
	opterr = 0;
	optind = 1;
	for (;;) {
		/* What follows PROGRAM is its own. */
		int name = getopt_long(argc, argv,
				       verb == VERB_RUN ? "+:o:h" : ":o:h",
				       known, NULL);
		if (name == -1)
			break;
		if (name == '?' || name == ':')
			return options_complain(name, argv[0],
						argv[optind - 1]);
		if (!set_any_option(options, verb, name))
			return false;
	}
	options->first_operand = optind;
	if (options->wants_help)
		return true;
	return verb == VERB_RUN	    ? check_run(options)
	       : verb == VERB_LEAKS ? check_leaks(options)
				    : true;
}
