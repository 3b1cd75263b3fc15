/*
 * held_in_tls_of_library: in thread-local storage of a loaded library.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -ldl
 */
#include "library.h"

static void work(void)
{
	call_library(load_library(), "hold_in_tls");
}

int main(void)
{
	certainly(work);
	return 0;
}
