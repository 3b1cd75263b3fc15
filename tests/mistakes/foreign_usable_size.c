/* foreign_usable_size: the usable size of an array. */
#include "mistake.h"

static char array[100] = "initialised";

int main(void)
{
	expect_line("malloc_usable_size(%p): not a block of tarn's; it lies in "
		    "%s",
		    opaque(array), program_path());
	return malloc_usable_size(opaque(array)) != 0;
}
