/*
 * held_by_stdio: a file left open, which libc knows, and its buffer.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

#include <stdio.h>

static void work(void)
{
	FILE *file = fopen("/dev/zero", "r");
	require(file != NULL && getc(file) == 0);
}

int main(void)
{
	certainly(work);
	return 0;
}
