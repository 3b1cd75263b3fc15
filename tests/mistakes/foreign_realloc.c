/* foreign_realloc: realloc of an array. */
#include "mistake.h"

static char array[100] = "initialised";

int main(void)
{
	expect_line("realloc(%p): not a block of tarn's; it lies in %s",
		    opaque(array), program_path());
	return realloc(opaque(array), 1000) != NULL;
}
