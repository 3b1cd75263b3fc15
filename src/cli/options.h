/*
 * options: what the command line says, for run and report.
 */
#ifndef TARN_CLI_OPTIONS_H
#define TARN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOT, FORMAT_LSAN, FORMAT_HTML };

struct options {
	/* Both verbs. */
	enum format format;
	const char *output;	  /* NULL: the verb's default stream */
	const char *suppressions; /* NULL: none */
	unsigned int show;	  /* bits of verdicts */
	unsigned int fail_on;	  /* bits of verdicts */
	size_t max_findings;	  /* 0: all */
	bool has_color;		  /* if the output is a terminal */
	bool wants_help;
	/* run only. */
	bool has_leaks;
	bool has_children;
	const char *sites;   /* NULL: not said */
	const char *library; /* NULL: look for it */
	/* Where the operands begin in argv. */
	int first_operand;
};

/*
 * Reads ARGV, whose first is the name of the verb; operands end the options.
 * Says what is wrong and returns false.
 */
bool options_parse(struct options *options, bool is_run, int argc, char **argv);

/*
 * Says what is wrong with an option, after getopt_long with a ":" at the start
 * of its letters has returned RESULT, '?' or ':'. LAST is the argument before
 * optind, which for a long option has it. Returns false.
 */
bool options_complain(int result, const char *verb, const char *last);

#endif
