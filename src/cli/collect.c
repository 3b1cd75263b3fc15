/*
 * collect: the private directory where a program and its children put their
 * reports.
 *
 * PID.started is there from when the library was loaded into a process;
 * PID.N.report when it is whole, PID.N.report.part before.
 */
#include "cli/collect.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	unsigned long pid;
	unsigned long number;
	bool is_report; /* else the mark of a start */
	bool is_own;
	const char *name;
};

struct entries {
	size_t n;
	struct entry *at;
};

bool collection_start(struct collection *reports)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	if (!parent || access(parent, W_OK | X_OK) != 0)
		parent = getenv("TMPDIR");
	if (!parent || !*parent)
		parent = "/tmp";
	*reports = (struct collection){0};
	reports->directory =
		arena_print(&reports->arena, "%s/tarn.XXXXXX", parent);
	if (mkdtemp(reports->directory))
		return true;
	complain("cannot make a directory in %s: %s", parent, strerror(errno));
	arena_free(&reports->arena);
	return false;
}

static bool parse_name(const char *name, struct entry *entry)
{
	int end = 0;
	*entry = (struct entry){.name = name};
	if (sscanf(name, "%lu.started%n", &entry->pid, &end) == 1 && end > 0 &&
	    name[end] == '\0')
		return true;
	end = 0;
	entry->is_report = true;
	return sscanf(name, "%lu.%lu.report%n", &entry->pid, &entry->number,
		      &end) == 2 &&
	       end > 0 && name[end] == '\0';
}

static struct entries list_entries(struct collection *reports, pid_t pid,
				   bool has_children)
{
	struct entries list = {0};
	DIR *directory = opendir(reports->directory);
	struct dirent *found;
	while (directory && (found = readdir(directory))) {
		struct entry entry;
		if (!parse_name(found->d_name, &entry))
			continue;
		entry.is_own = entry.pid == (unsigned long)pid;
		if (!entry.is_own && !has_children)
			continue;
		entry.name = arena_text(&reports->arena, found->d_name,
					strlen(found->d_name));
		list.at = arena_grow(&reports->arena, list.at, list.n,
				     sizeof(entry));
		list.at[list.n++] = entry;
	}
	if (directory)
		closedir(directory);
	return list;
}

/* The mark of a start comes before the reports of its process. */
static int compare(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	if (one->is_own != other->is_own)
		return other->is_own - one->is_own;
	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	if (one->is_report != other->is_report)
		return one->is_report - other->is_report;
	return (one->number > other->number) - (one->number < other->number);
}

static void add_path(struct collection *reports, const char *name)
{
	reports->paths = arena_grow(&reports->arena, reports->paths,
				    reports->n_paths, sizeof(char *));
	reports->paths[reports->n_paths++] =
		arena_print(&reports->arena, "%s/%s", reports->directory, name);
}

void collection_read(struct collection *reports, pid_t pid, bool has_children)
{
	struct entries list = list_entries(reports, pid, has_children);
	if (list.n)
		qsort(list.at, list.n, sizeof(list.at[0]), compare);
	for (size_t i = 0; i < list.n; i++) {
		const struct entry *entry = &list.at[i];
		bool has_report = i + 1 < list.n && list.at[i + 1].is_report &&
				  list.at[i + 1].pid == entry->pid;
		if (entry->is_report) {
			add_path(reports, entry->name);
			reports->n_own_reports += entry->is_own;
		} else if (entry->is_own) {
			reports->was_started = true;
		} else if (!has_report) {
			reports->n_missing++;
		}
	}
}

void collection_end(struct collection *reports)
{
	DIR *directory = opendir(reports->directory);
	struct dirent *found;
	while (directory && (found = readdir(directory)))
		unlinkat(dirfd(directory), found->d_name, 0);
	if (directory)
		closedir(directory);
	rmdir(reports->directory);
	arena_free(&reports->arena);
	reports->paths = NULL;
}
