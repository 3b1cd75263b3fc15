/*
 * target: the running process that a verb is about.
 */
#ifndef TARN_CLI_TARGET_H
#define TARN_CLI_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

/* The id in TEXT; says what is wrong with it, for VERB, and returns false. */
bool target_parse(const char *verb, const char *text, pid_t *pid);

#endif
