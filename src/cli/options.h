/*
 * options: what the command line says, for the verbs that show what leaks.
 */
#ifndef TARN_CLI_OPTIONS_H
#define TARN_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_DOT, FORMAT_LSAN, FORMAT_HTML };

/* Bits: an option is one of several verbs. */
enum options_verb {
	VERB_RUN = 1 << 0,
	VERB_REPORT = 1 << 1,
	VERB_LEAKS = 1 << 2,
	VERB_WHO = 1 << 3,
};

#define OPTIONS_LOOKS_MAX 20

struct options {
	/* All verbs; of `who` some. */
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
	/* leaks only, but for the last two. */
	unsigned int n_looks;
	double interval_s; /* between looks */
	bool is_growing;
	bool despite_seccomp;
	bool despite_memory;
	/* Where the operands begin in argv. */
	int first_operand;
};

/*
 * Reads ARGV, whose first is the name of the verb; operands end the options.
 * Says what is wrong and returns false.
 */
bool options_parse(struct options *options, enum options_verb verb, int argc,
		   char **argv);

/*
 * Says what is wrong with an option, after getopt_long with a ":" at the start
 * of its letters has returned RESULT, '?' or ':'. LAST is the argument before
 * optind, which for a long option has it. Returns false.
 */
bool options_complain(int result, const char *verb, const char *last);

#endif
