/*
 * dlclosed: what the data of a library held, and what the library leaked, is
 * lost when it is closed; where it was allocated is still known.
 *
 * expect: lost count=2 blocks=2 retained=2
 * expect: function hold_in_data
 * expect: function leak_in_library
 * flags: -ldl
 */
#include "library.h"

static void work(void)
{
	void *library = load_library();
	call_library(library, "hold_in_data");
	call_library(library, "leak_in_library");
	require(dlclose(library) == 0);
}

int main(void)
{
	certainly(work);
	require(dlopen("lib_hold.so", RTLD_NOW | RTLD_NOLOAD) == NULL);
	return 0;
}
