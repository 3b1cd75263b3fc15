/*
 * find_library: the libtarn.so to preload: named by the user, or found near
 * this command, installed or in the tree where it was built.
 */
#include "cli/program.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Relative to the directory of the command. */
static const char *const places[] = {
	"libtarn.so",	       ".libs/libtarn.so", "../lib/libtarn.so",
	"../lib/*/libtarn.so", "../libtarn.so",
};

/* The first file of PATTERN, resolved. */
static bool find_match(const char *pattern, char path[PATH_MAX])
{
	glob_t matches;
	bool is_found = false;
	if (glob(pattern, 0, NULL, &matches) == 0)
		is_found = realpath(matches.gl_pathv[0], path) != NULL;
	globfree(&matches);
	return is_found;
}

static bool find_near_command(char path[PATH_MAX])
{
	char command[PATH_MAX], pattern[PATH_MAX + 32];
	ssize_t length =
		readlink("/proc/self/exe", command, sizeof(command) - 1);
	char *slash;
	if (length <= 0)
		return false;
	command[length] = '\0';
	slash = strrchr(command, '/');
	if (!slash)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s/%s", command, places[i]);
		if (find_match(pattern, path))
			return true;
	}
	return false;
}

static bool find(const char *wanted, char path[PATH_MAX])
{
	if (!wanted)
		wanted = getenv("TARN_LIBRARY");
	if (wanted && *wanted) {
		if (realpath(wanted, path))
			return true;
		complain("cannot find the library %s: %s", wanted,
			 strerror(errno));
		return false;
	}
	if (find_near_command(path))
		return true;
#ifdef TARN_LIBDIR
	if (find_match(TARN_LIBDIR "/libtarn.so", path))
		return true;
#endif
	complain("cannot find libtarn.so near this command; name it with "
		 "--library or TARN_LIBRARY");
	return false;
}

bool find_library(const char *wanted, char path[PATH_MAX])
{
	if (!find(wanted, path))
		return false;
	if (access(path, R_OK) != 0) {
		complain("cannot read the library %s: %s", path,
			 strerror(errno));
		return false;
	}
	if (strpbrk(path, " :")) {
		complain("LD_PRELOAD cannot name %s: there is a space or "
			 "colon in it; move it elsewhere",
			 path);
		return false;
	}
	return true;
}
