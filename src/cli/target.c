/*
 * target: the running process that a verb is about.
 */
#include "cli/target.h"
#include "cli/util.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

bool target_parse(const char *verb, const char *text, pid_t *pid)
{
	const char *wrong = NULL;
	char *end;
	unsigned long value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		wrong = "is not the id of a process";
	else if (value == 0 || value > INT_MAX)
		wrong = "is no process";
	else if (value == (unsigned long)getpid())
		wrong = "is this command itself";
	if (wrong)
		complain("%s: '%s' %s; try 'tarn --help'", verb, text, wrong);
	*pid = (pid_t)value;
	return !wrong;
}
