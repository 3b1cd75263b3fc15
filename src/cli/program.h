/*
 * program: before a program is run: which file it is, which library is to be
 * loaded into it, and whether that will work.
 */
#ifndef TARN_CLI_PROGRAM_H
#define TARN_CLI_PROGRAM_H

#include "cli/util.h"

#include <limits.h>
#include <stdbool.h>

/*
 * Whether a library can be preloaded into NAME, found as execvp(3) finds it and
 * through the interpreters of scripts. STATUS_OK, or what to exit with after
 * the reason was said.
 */
enum status check_program(const char *name);

/* Whether the file at PATH is libtarn.so, for this machine. Says if not. */
bool check_library(const char *path);

/*
 * The library to preload, absolute, into PATH: WANTED, or if it is NULL that of
 * the environment, or the one that came with this command. Says if there is
 * none.
 */
bool find_library(const char *wanted, char path[PATH_MAX]);

#endif
