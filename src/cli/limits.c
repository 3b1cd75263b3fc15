/*
 * limits: of control groups, of the process, of the machine.
 *
 * A group's directory is the mount point of its hierarchy and the path in
 * /proc/PID/cgroup; the groups that it is in are the directories above.
 */
#include "cli/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version 1 has no word for "no limit" but a very large number. */
#define NO_LIMIT (UINT64_C(1) << 60)

struct hierarchy {
	const char *type; /* of the file system */
	const char *controller;
	const char *max, *high, *used;
	const char *active_file, *inactive_file; /* in memory.stat */
};

static const struct hierarchy new_hierarchy = {
	.type = "cgroup2",
	.controller = "",
	.max = "memory.max",
	.high = "memory.high",
	.used = "memory.current",
	.active_file = "active_file ",
	.inactive_file = "inactive_file ",
};

static const struct hierarchy old_hierarchy = {
	.type = "cgroup",
	.controller = "memory",
	.max = "memory.limit_in_bytes",
	.used = "memory.usage_in_bytes",
	.active_file = "total_active_file ",
	.inactive_file = "total_inactive_file ",
};

const char *limit_name(const struct limits *limits, enum limit_kind kind)
{
	switch (kind) {
	case LIMIT_MAX:
		return limits->has_old_groups ? old_hierarchy.max
					      : new_hierarchy.max;
	case LIMIT_HIGH:
		return new_hierarchy.high;
	case LIMIT_AS:
		return "RLIMIT_AS";
	case LIMIT_DATA:
		return "RLIMIT_DATA";
	default:
		return "the machine's memory";
	}
}

uint64_t limit_room(const struct limit *limit)
{
	return limit->used_bytes < limit->limit_bytes
		       ? limit->limit_bytes - limit->used_bytes
		       : 0;
}

/* --- files --------------------------------------------------------------- */

/* The text of DIRECTORY/NAME, which is below the current directory or "/". */
static char *text_of(struct arena *arena, const char *directory,
		     const char *name)
{
	size_t length;
	return text_of_file(AT_FDCWD,
			    arena_print(arena, "%s/%s", directory, name),
			    &length);
}

/* The number at the start of TEXT; NO_LIMIT if there is none. */
static uint64_t number_at(const char *text)
{
	char *end;
	uint64_t number = text ? strtoull(text, &end, 10) : 0;
	return text && end != text && number < NO_LIMIT ? number : NO_LIMIT;
}

static uint64_t number_in(struct arena *arena, const char *directory,
			  const char *name)
{
	char *text = text_of(arena, directory, name);
	uint64_t number = number_at(text);
	free(text);
	return number;
}

/* What follows NAME at the start of a line of TEXT; 0 without such a line. */
static uint64_t number_after(const char *text, const char *name)
{
	size_t length = strlen(name);
	for (; text && *text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, name, length) == 0)
			return strtoull(text + length, NULL, 10);
	}
	return 0;
}

/* --- control groups ------------------------------------------------------ */

static bool has_word(const char *list, size_t length, const char *word)
{
	size_t n = strlen(word);
	for (size_t at = 0; at + n <= length; at++) {
		if (strncmp(list + at, word, n) == 0 &&
		    (at == 0 || list[at - 1] == ',') &&
		    (at + n == length || list[at + n] == ','))
			return true;
	}
	return false;
}

/* In "4:cpu,memory:/path" and "0::/path": the path of HIERARCHY, or NULL. */
static char *find_path(struct arena *arena, const char *text,
		       const struct hierarchy *hierarchy)
{
	for (const char *line = text; line && *line;) {
		size_t length = strcspn(line, "\n");
		const char *list = strchr(line, ':');
		const char *path = list ? strchr(list + 1, ':') : NULL;
		if (path && path < line + length) {
			size_t n = (size_t)(path - list - 1);
			bool is_it = *hierarchy->controller
					     ? has_word(list + 1, n,
							hierarchy->controller)
					     : n == 0;
			if (is_it)
				return arena_text(
					arena, path + 1,
					(size_t)(line + length - path - 1));
		}
		line += length + (line[length] == '\n');
	}
	return NULL;
}

struct mount {
	char root[1024]; /* of the hierarchy, what is mounted */
	char point[1024];
};

/* "41 31 0:38 ROOT POINT rw,relatime - cgroup2 cgroup2 rw" */
static bool parse_mount(const char *line, const struct hierarchy *hierarchy,
			struct mount *mount)
{
	const char *dash = strstr(line, " - ");
	char type[32], options[1024];
	if (!dash ||
	    sscanf(line, "%*s %*s %*s %1023s %1023s", mount->root,
		   mount->point) != 2 ||
	    sscanf(dash, " - %31s %*s %1023s", type, options) != 2)
		return false;
	return strcmp(type, hierarchy->type) == 0 &&
	       (!*hierarchy->controller ||
		has_word(options, strlen(options), hierarchy->controller));
}

static bool find_mount(struct arena *arena, const char *proc,
		       const struct hierarchy *hierarchy, struct mount *mount)
{
	char *text = text_of(arena, proc, "self/mountinfo");
	char *rest = text, *line;
	bool is_found = false;
	while (!is_found && (line = strsep(&rest, "\n")))
		is_found = parse_mount(line, hierarchy, mount);
	free(text);
	return is_found;
}

/* Of two limits of the same kind that which is reached first. */
static void set_limit(struct limit *limit, struct limit other)
{
	if (other.limit_bytes >= NO_LIMIT)
		return;
	if (!limit->is_set || limit_room(&other) < limit_room(limit))
		*limit = other;
}

/*
 * The page cache is given up before the limit bites: a group that has read many
 * files is not a full one.
 */
static uint64_t used_in_group(struct arena *arena, const char *group,
			      const struct hierarchy *hierarchy)
{
	char *text = text_of(arena, group, "memory.stat");
	uint64_t used = number_in(arena, group, hierarchy->used);
	uint64_t cache = number_after(text, hierarchy->active_file) +
			 number_after(text, hierarchy->inactive_file);
	free(text);
	if (used >= NO_LIMIT)
		return 0;
	return used > cache ? used - cache : 0;
}

static void read_group(struct arena *arena, const char *group,
		       const struct hierarchy *hierarchy, struct limits *limits)
{
	struct limit limit = {
		.is_set = true,
		.used_bytes = used_in_group(arena, group, hierarchy),
		.group = group,
	};
	limit.limit_bytes = number_in(arena, group, hierarchy->max);
	set_limit(&limits->limits[LIMIT_MAX], limit);
	if (!hierarchy->high)
		return;
	limit.limit_bytes = number_in(arena, group, hierarchy->high);
	set_limit(&limits->limits[LIMIT_HIGH], limit);
}

/* False if the process is in no group of HIERARCHY. */
static bool read_groups(const struct process *process, const char *proc,
			const struct hierarchy *hierarchy, struct arena *arena,
			struct limits *limits)
{
	size_t length;
	char *text = text_of_file(process->directory, "cgroup", &length);
	char *path = find_path(arena, text, hierarchy);
	struct mount mount;
	char *group;
	free(text);
	/* A path to what is not below our own root cannot be followed. */
	if (!path || strncmp(path, "/..", 3) == 0 ||
	    !find_mount(arena, proc, hierarchy, &mount))
		return path != NULL;
	length = strlen(mount.root);
	if (strcmp(mount.root, "/") == 0)
		length = 0;
	else if (strncmp(path, mount.root, length) != 0 ||
		 (path[length] != '/' && path[length] != '\0'))
		return true;
	group = arena_print(arena, "%s%s", mount.point, path + length);
	for (;;) {
		char *end = group + strlen(group);
		while (end > group && end[-1] == '/')
			*--end = '\0';
		read_group(arena, group, hierarchy, limits);
		if (strlen(group) <= strlen(mount.point))
			return true;
		group = arena_text(arena, group,
				   (size_t)(strrchr(group, '/') - group));
	}
}

/* --- the others ---------------------------------------------------------- */

static void read_rlimits(const struct process *process, struct limits *limits)
{
	static const struct {
		enum limit_kind kind;
		const char *name;
	} wanted[] = {
		{LIMIT_AS, "Max address space "},
		{LIMIT_DATA, "Max data size "},
	};
	size_t length;
	char *text = text_of_file(process->directory, "limits", &length);
	for (size_t i = 0; text && i < sizeof(wanted) / sizeof(wanted[0]);
	     i++) {
		const char *at = strstr(text, wanted[i].name);
		struct limit limit = {.is_set = true};
		limit.limit_bytes =
			number_at(at ? at + strlen(wanted[i].name) : NULL);
		limit.used_bytes = wanted[i].kind == LIMIT_AS
					   ? process->virtual_bytes
					   : process->data_bytes;
		set_limit(&limits->limits[wanted[i].kind], limit);
	}
	free(text);
}

static void read_machine(const char *proc, struct arena *arena,
			 struct limits *limits)
{
	char *text = text_of(arena, proc, "meminfo");
	uint64_t total = number_after(text, "MemTotal:") << 10;
	uint64_t available = number_after(text, "MemAvailable:") << 10;
	free(text);
	if (total >= available && total > 0)
		limits->limits[LIMIT_MACHINE] = (struct limit){
			.is_set = true,
			.limit_bytes = total,
			.used_bytes = total - available,
		};
}

void limits_read(const struct process *process, const char *proc,
		 struct arena *arena, struct limits *limits)
{
	*limits = (struct limits){0};
	limits->has_old_groups =
		read_groups(process, proc, &old_hierarchy, arena, limits);
	if (!limits->has_old_groups)
		read_groups(process, proc, &new_hierarchy, arena, limits);
	read_rlimits(process, limits);
	read_machine(proc, arena, limits);
}
