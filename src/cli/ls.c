/*
 * ls: the verb that lists the processes that run on tarn.
 */
#include "cli/options.h"
#include "cli/process.h"
#include "cli/render.h"
#include "cli/verbs.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* As the library names the copies that it makes for a trace. */
#define COPY_NAME "tarn-copy"

struct ls_options {
	bool is_json;
	bool is_verbose;
	bool wants_help;
};

struct entry {
	struct process process;
	const char *user;
	size_t n_arguments;
	const char **arguments;
};

struct list {
	struct arena arena;
	size_t n_entries;
	struct entry *entries;
	size_t n_hidden; /* others' processes that we may not look at */
};

/* --- who runs on tarn ---------------------------------------------------- */

static bool is_wanted(struct list *list, struct process *process)
{
	if (process->pid == getpid() || process->is_kernel ||
	    process->is_zombie || strcmp(process->name, COPY_NAME) == 0)
		return false;
	errno = 0;
	if (!process_find_tarn(process)) {
		list->n_hidden += errno == EACCES || errno == EPERM;
		return false;
	}
	return process->link != PROCESS_NOT_ON_TARN;
}

static void look_at(struct list *list, pid_t pid)
{
	struct entry entry = {0};
	if (!process_open(&entry.process, pid))
		return;
	if (is_wanted(list, &entry.process)) {
		entry.user = process_user(&entry.process, &list->arena);
		entry.n_arguments = process_arguments(
			&entry.process, &list->arena, &entry.arguments);
		list->entries =
			arena_grow(&list->arena, list->entries, list->n_entries,
				   sizeof(*list->entries));
		list->entries[list->n_entries++] = entry;
	}
	process_close(&entry.process);
}

/* The largest first. */
static int compare(const void *a, const void *b)
{
	const struct process *x = &((const struct entry *)a)->process;
	const struct process *y = &((const struct entry *)b)->process;
	if (x->resident_bytes != y->resident_bytes)
		return x->resident_bytes > y->resident_bytes ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static bool find_all(struct list *list)
{
	DIR *directory = opendir("/proc");
	const struct dirent *file;
	if (!directory) {
		complain("cannot read /proc: %s; is it mounted?",
			 strerror(errno));
		return false;
	}
	while ((file = readdir(directory))) {
		char *end;
		long pid = strtol(file->d_name, &end, 10);
		if (pid > 0 && *end == '\0')
			look_at(list, (pid_t)pid);
	}
	closedir(directory);
	if (list->n_entries > 0)
		qsort(list->entries, list->n_entries, sizeof(*list->entries),
		      compare);
	return true;
}

/* --- as a table ---------------------------------------------------------- */

/* Columns of the terminal; 0: it is none, and nothing is cut. */
static size_t columns_of(FILE *out)
{
	struct winsize size;
	if (!isatty(fileno(out)))
		return 0;
	if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static const char *command_of(struct list *list, const struct entry *entry)
{
	const char *command = entry->arguments[0];
	for (size_t i = 1; i < entry->n_arguments; i++)
		command = arena_print(&list->arena, "%s %s", command,
				      entry->arguments[i]);
	return command;
}

/* Bytes of TEXT that have at most N characters. */
static int bytes_of(const char *text, size_t n)
{
	size_t bytes = 0;
	for (; text[bytes]; bytes++) {
		bool is_start = ((unsigned char)text[bytes] & 0xc0) != 0x80;
		if (is_start && n-- == 0)
			break;
	}
	return (int)bytes;
}

static const char *asked(const struct process *process)
{
	if (!process_refusal(process))
		return "yes";
	return process->is_ours ? "off" : "no";
}

static void show_line(struct list *list, const struct entry *entry,
		      int user_columns, size_t columns)
{
	const struct process *process = &entry->process;
	const char *command = command_of(list, entry);
	char line[256];
	int length = snprintf(
		line, sizeof(line), "%7d  %-*.*s %10s %12s  %-7s  %-3s  ",
		(int)process->pid, user_columns, user_columns, entry->user,
		phrase_bytes(&list->arena, process->resident_bytes),
		phrase_time(&list->arena, process->running_s),
		process->version[0] ? process->version : "?", asked(process));
	if (columns == 0)
		printf("%s%s\n", line, command);
	else
		printf("%s%.*s\n", line,
		       bytes_of(command, columns > (size_t)length
						 ? columns - (size_t)length
						 : 0),
		       command);
}

#define USER_COLUMNS_MAX 16

static void show_table(struct list *list)
{
	size_t columns = columns_of(stdout);
	size_t users = strlen("USER");
	if (list->n_entries == 0)
		return;
	for (size_t i = 0; i < list->n_entries; i++) {
		size_t length = strlen(list->entries[i].user);
		users = length > users ? length : users;
	}
	if (users > USER_COLUMNS_MAX)
		users = USER_COLUMNS_MAX;
	printf("%7s  %-*s %10s %12s  %-7s  %-3s  %s\n", "PID", (int)users,
	       "USER", "RSS", "RUNS FOR", "VERSION", "ASK", "COMMAND");
	for (size_t i = 0; i < list->n_entries; i++)
		show_line(list, &list->entries[i], (int)users, columns);
}

/* --- as JSON ------------------------------------------------------------- */

static json_t *process_of(const struct entry *entry)
{
	const struct process *process = &entry->process;
	const char *refusal = process_refusal(process);
	json_t *command = json_array();
	for (size_t i = 0; i < entry->n_arguments; i++)
		json_array_append_new(command,
				      json_string(entry->arguments[i]));
	return json_pack(
		"{s:i, s:s, s:s, s:I, s:I, s:f, s:s?, s:s, s:b, s:s?, s:o}",
		"pid", (int)process->pid, "program", process->name, "user",
		entry->user, "uid", (json_int_t)process->user, "rss_bytes",
		(json_int_t)process->resident_bytes, "running_s",
		process->running_s, "version",
		process->version[0] ? process->version : NULL, "link",
		process->link == PROCESS_WITH_LIBRARY ? "shared" : "static",
		"can_be_asked", refusal == NULL, "why_not", refusal, "command",
		command);
}

static bool show_json(const struct list *list)
{
	json_t *processes = json_array();
	json_t *all;
	bool is_good;
	for (size_t i = 0; i < list->n_entries; i++)
		json_array_append_new(processes, process_of(&list->entries[i]));
	all = json_pack("{s:i, s:o}", "version", 1, "processes", processes);
	is_good = all && json_dumpf(all, stdout, JSON_INDENT(1)) == 0;
	json_decref(all);
	putchar('\n');
	return is_good;
}

/* --- the verb ------------------------------------------------------------ */

/* Without a letter: see options_complain. */
enum { OPTION_JSON = 256 };

static bool parse(struct ls_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"json", no_argument, NULL, OPTION_JSON},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int name;
	*options = (struct ls_options){0};
	opterr = 0;
	optind = 1;
	while ((name = getopt_long(argc, argv, ":vh", known, NULL)) != -1) {
		if (name == '?' || name == ':')
			return options_complain(name, argv[0],
						argv[optind - 1]);
		options->is_json |= name == OPTION_JSON;
		options->is_verbose |= name == 'v';
		options->wants_help |= name == 'h';
	}
	if (optind == argc)
		return true;
	complain("ls: what is '%s'? it lists all processes; try 'tarn --help'",
		 argv[optind]);
	return false;
}

/* Whoever finds what he looked for does not care for the others. */
static void tell_hidden(const struct list *list,
			const struct ls_options *options)
{
	if (list->n_hidden > 0 && options->is_verbose)
		complain("%zu processes of other users could not be looked "
			 "at; root sees all",
			 list->n_hidden);
	else if (list->n_hidden > 0 && list->n_entries == 0)
		complain("no process that runs on tarn; %zu of other users "
			 "could not be looked at, root sees all",
			 list->n_hidden);
	else if (list->n_entries == 0)
		complain("no process runs on tarn");
}

enum status ls_verb(int argc, char **argv)
{
	struct ls_options options;
	struct list list = {0};
	enum status status;
	bool is_good = true;
	if (!parse(&options, argc, argv))
		return STATUS_FAILED;
	if (options.wants_help)
		return help_verb("ls");
	if (!find_all(&list))
		return STATUS_FAILED;
	if (options.is_json)
		is_good = show_json(&list);
	else
		show_table(&list);
	if (fflush(stdout) != 0 || !is_good) {
		complain("cannot write the list: %s", strerror(errno));
		status = STATUS_FAILED;
	} else {
		tell_hidden(&list, &options);
		status = list.n_entries > 0 ? STATUS_OK : STATUS_NONE;
	}
	arena_free(&list.arena);
	return status;
}
