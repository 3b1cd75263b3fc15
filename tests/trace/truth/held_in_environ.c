/*
 * held_in_environ: strings of the environment, one the program's own.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static void work(void)
{
	char *own = new_block(64);
	strcpy(own, "TRUTH_OWN=1");
	require(putenv(own) == 0);
	require(setenv("TRUTH_COPY", "2", 1) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
