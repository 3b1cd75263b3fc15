/*
 * before_main: memory is there before any constructor has run, in
 * .preinit_array, and in constructors of the earliest priority. main then finds
 * all of it unharmed.
 */
#include "expect.h"

#include <malloc.h>

#include "ladder.h"
#include "process.h"

/* By where they were filled: in .preinit_array, in a constructor. */
static struct ladder ladders[2];

static void before_constructors(int argc, char **argv, char **environment)
{
	(void)argc;
	(void)argv;
	(void)environment;
	ladder_fill(&ladders[0], 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit)(
	int, char **, char **) = before_constructors;

__attribute__((constructor(101))) static void first_constructor(void)
{
	ladder_fill(&ladders[1], 1);
}

int main(void)
{
	expect_tarn();
	ladder_free(&ladders[0], 0);
	ladder_free(&ladders[1], 1);
	return expect_status();
}
