/* foreign_static: an array of the program's. */
#include "mistake.h"

static char array[100] = "initialised, so it lies in the program's file";

int main(void)
{
	expect_line("free(%p): not a block of tarn's; it lies in %s",
		    opaque(array), program_path());
	free(opaque(array));
	return 0;
}
