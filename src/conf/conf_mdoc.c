/*
 * conf_mdoc: prints the list of options for tarn(7), in mdoc, from the table.
 *
 * Run by make update-manual and by tests/lint/manual_options.sh, never part of
 * the library: it may use stdio.
 */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

#define COLUMNS 78

/* Prints LENGTH bytes of TEXT in lines of at most 78 columns. */
static void print_wrapped(const char *text, size_t length)
{
	while (length > COLUMNS) {
		size_t n = COLUMNS;
		while (text[n] != ' ')
			n--;
		printf("%.*s\n", (int)n, text);
		text += n + 1;
		length -= n + 1;
	}
	printf("%.*s\n", (int)length, text);
}

/* mdoc wants every sentence to start a line. */
static void print_sentences(const char *text)
{
	const char *end;
	while ((end = strstr(text, ". ")) != NULL) {
		print_wrapped(text, (size_t)(end + 1 - text));
		text = end + 2;
	}
	print_wrapped(text, strlen(text));
}

int main(void)
{
	struct conf_description option;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; conf_describe(i, &option); i++) {
		printf(".It Cm %s : Ns Ar %s\n", option.name, option.argument);
		print_sentences(option.help);
		printf("The value is %s; the default is\n.Cm %s .\n",
		       option.accepts, option.initial);
		if (option.at_run_time)
			puts("It can be set at run time.");
	}
	puts(".El");
	return 0;
}
