/*
 * verbs: what the command can do. Each gets the arguments from its name on and
 * returns the status to exit with.
 */
#ifndef TARN_CLI_VERBS_H
#define TARN_CLI_VERBS_H

#include "cli/util.h"

enum status run_verb(int argc, char **argv);
enum status report_verb(int argc, char **argv);
enum status ls_verb(int argc, char **argv);
enum status stat_verb(int argc, char **argv);
enum status leaks_verb(int argc, char **argv);
enum status who_verb(int argc, char **argv);

/* The help for the verb NAME, or that for all if it is NULL. */
enum status help_verb(const char *name);

#endif
