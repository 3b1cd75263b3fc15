/*
 * tarn: runs programs on tarn, shows what they leaked, and what is in the
 * memory of running ones.
 */
#include "cli/verbs.h"
#include "tarn.h"

#include <stdio.h>
#include <string.h>

static const char help_short[] =
	"tarn: runs programs on the tarn allocator and finds their leaks; tells\n"
	"of running ones where their memory is, what leaks, and who holds it.\n"
	"\n"
	"  tarn run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
	"  tarn report [OPTION...] FILE...\n"
	"  tarn ls [OPTION...]\n"
	"  tarn stat [OPTION...] PID\n"
	"  tarn leaks [OPTION...] PID\n"
	"  tarn who [OPTION...] PID ADDRESS|FINDING\n"
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
	"  --format=FORMAT    text (default), json, dot, lsan, html\n"
	"  --html FILE        the same as --format=html -o FILE: a page\n"
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

static const char help_ls[] =
	"tarn ls: lists the processes that run on tarn, the largest first.\n"
	"\n"
	"  --json             for programs\n"
	"  -v, --verbose      say how many processes could not be looked at\n"
	"\n";

static const char help_stat[] =
	"tarn stat: shows where every byte of the process PID is, how fast it\n"
	"grows, and when a limit will be reached.\n"
	"\n"
	"  --interval=SECONDS between the readings that growth is told from\n"
	"                     (1); 0: one reading, no growth\n"
	"  --watch            read and show again and again, until Ctrl-C\n"
	"  --json             for programs; with --watch an object a line\n"
	"  --despite-seccomp  ask it though it has a filter of system calls\n"
	"\n";

static const char help_leaks[] =
	"tarn leaks: finds leaks in the process PID, which goes on running.\n"
	"\n"
	"  --looks=N          how often to look, 1 to 20 (2; with --growing 3);\n"
	"                     told is what was lost in each look\n"
	"  --interval=SECONDS between looks (0.2; with --growing 10); Ctrl-C\n"
	"                     ends it, and what was seen is shown\n"
	"  --growing          tell also which held blocks become more in each\n"
	"                     interval, and where they are allocated\n"
	"  --fail-on=LIST     exit with 23 on findings of LIST:\n"
	"                     lost, cycle, possible, growing\n"
	"  --despite-seccomp  ask it though it has a filter of system calls\n"
	"  --despite-memory   though its control group has little memory left\n"
	"\n"
	"and the options of report.\n"
	"\n";

static const char help_who[] =
	"tarn who: tells who holds a block of the process PID: the shortest way\n"
	"from a root, and all that points to it. The block is told by an ADDRESS,\n"
	"0x and hexadecimal, or the number of a FINDING of tarn leaks.\n"
	"\n"
	"  -o, --output FILE  write there, not to stdout\n"
	"  --json             for programs\n"
	"  --max=N            list at most N pointers (20); 0: all\n"
	"  --no-color         no colours on terminals (or set NO_COLOR)\n"
	"  --despite-seccomp  ask it though it has a filter of system calls\n"
	"  --despite-memory   though its control group has little memory left\n"
	"\n";

static const char help_statuses[] =
	"Exit status: PROGRAM's; 23 findings of --fail-on; 125 tarn failed or\n"
	"cannot work in PROGRAM; 126 PROGRAM cannot be run; 127 not found;\n"
	"ls: 1 if there is no process. See tarn(1).\n";

/* In the order of the manual. */
static const struct verb {
	const char *name;
	enum status (*run)(int argc, char **argv);
	const char *texts[3];
} verbs[] = {
	{"run", run_verb, {help_run, help_report, help_statuses}},
	{"report", report_verb, {help_report}},
	{"ls", ls_verb, {help_ls}},
	{"stat", stat_verb, {help_stat}},
	{"leaks", leaks_verb, {help_leaks, help_report, help_statuses}},
	{"who", who_verb, {help_who}},
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static enum status unknown(const char *what, const char *name)
{
	complain("unknown %s '%s'; try 'tarn --help'", what, name);
	return STATUS_FAILED;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

static enum status help_all(void)
{
	fputs(help_short, stdout);
	for (size_t i = 0; i < N_VERBS; i++)
		fputs(verbs[i].texts[0], stdout);
	fputs(help_statuses, stdout);
	return fflush(stdout) == 0 ? STATUS_OK : STATUS_FAILED;
}

enum status help_verb(const char *name)
{
	const struct verb *verb;
	if (!name || strcmp(name, "help") == 0)
		return help_all();
	verb = find_verb(name);
	if (!verb)
		return unknown("verb", name);
	for (size_t i = 0; i < 3 && verb->texts[i]; i++)
		fputs(verb->texts[i], stdout);
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
	const struct verb *known;
	if (!verb) {
		fputs(help_short, stderr);
		complain("which verb? try 'tarn --help'");
		return STATUS_FAILED;
	}
	known = find_verb(verb);
	if (known)
		return known->run(argc - 1, argv + 1);
	if (strcmp(verb, "help") == 0)
		return help_verb(argc > 2 ? argv[2] : NULL);
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0)
		return help_verb(NULL);
	if (strcmp(verb, "--version") == 0)
		return show_version();
	return unknown(verb[0] == '-' ? "option" : "verb", verb);
}
