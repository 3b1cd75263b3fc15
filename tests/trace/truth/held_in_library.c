/*
 * held_in_library: in the data of a loaded library.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -ldl
 */
#include "library.h"

static void work(void)
{
	call_library(load_library(), "hold_in_data");
}

int main(void)
{
	certainly(work);
	return 0;
}
