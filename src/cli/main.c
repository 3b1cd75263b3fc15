/*
 * tarn: runs programs on tarn and shows what they leaked.
 */
#include "cli/verbs.h"
#include "tarn.h"

#include <stdio.h>
#include <string.h>

static const char help_short[] =
	"tarn: runs programs on the tarn allocator and finds their leaks.\n"
	"\n"
	"  tarn run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	"  tarn report [OPTION...] FILE...\n"
	"  tarn help [VERB]\n"
	"  tarn --version\n"
	"\n";

static const char help_run[] =
	"tarn run: runs PROGRAM with tarn as its malloc. Its exit status is\n"
	"that of PROGRAM.\n"
	"\n"
	"  --leaks            look for leaks when it ends, and report them\n"
	"  --fail-on=LIST     exit with 23 on findings of LIST:\n"
	"                     lost, cycle, possible\n"
	"  --sites=WHICH      remember where blocks were allocated: all (with\n"
	"                     --leaks the default), sampled, off\n"
	"  --children=no      report PROGRAM alone, not its children (yes)\n"
	"  --library PATH     the libtarn.so to use\n"
	"\n"
	"and the options of report; reports go to stderr. Without --leaks\n"
	"there is no report.\n"
	"\n";

static const char help_report[] =
	"tarn report: shows reports that were saved to files.\n"
	"\n"
	"  -o, --output FILE  write there, not to stdout; with --dot a name\n"
	"                     in .svg makes a picture\n"
	"  --format=FORMAT    text (default), json, dot, lsan\n"
	"  --json, --dot      the same as --format=json, --format=dot\n"
	"  --show=LIST        list also what is possible, foreign, or all\n"
	"  --max=N            list at most N findings in text and dot (20);\n"
	"                     0: all\n"
	"  --suppressions FILE\n"
	"                     leave out findings that match its lines\n"
	"                     \"leak:PATTERN\": functions, files, modules\n"
	"  --fail-on=LIST     exit with 23 on findings of LIST\n"
	"  --no-color         no colours on terminals (or set NO_COLOR)\n"
	"\n";

static const char help_statuses[] =
	"Exit status: PROGRAM's; 23 findings of --fail-on; 125 tarn failed or\n"
	"cannot work in PROGRAM; 126 PROGRAM cannot be run; 127 not found.\n"
	"See tarn(1).\n";

static enum status unknown(const char *what, const char *name)
{
	complain("unknown %s '%s'; try 'tarn --help'", what, name);
	return STATUS_FAILED;
}

enum status help_verb(const char *name)
{
	bool is_all = !name || strcmp(name, "help") == 0;
	bool is_run = name && strcmp(name, "run") == 0;
	bool is_report = name && strcmp(name, "report") == 0;
	if (!is_all && !is_run && !is_report)
		return unknown("verb", name);
	if (is_all)
		fputs(help_short, stdout);
	if (!is_report)
		fputs(help_run, stdout);
	fputs(help_report, stdout);
	if (!is_report)
		fputs(help_statuses, stdout);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

static enum status show_version(void)
{
	puts("tarn " TARN_VERSION);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : NULL;
	if (!verb) {
		fputs(help_short, stderr);
		complain("which verb? try 'tarn --help'");
		return STATUS_FAILED;
	}
	if (strcmp(verb, "run") == 0)
		return run_verb(argc - 1, argv + 1);
	if (strcmp(verb, "report") == 0)
		return report_verb(argc - 1, argv + 1);
	if (strcmp(verb, "help") == 0)
		return help_verb(argc > 2 ? argv[2] : NULL);
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return help_verb(NULL);
	if (strcmp(verb, "--version") == 0)
		return show_version();
	return unknown(verb[0] == '-' ? "option" : "verb", verb);
}
