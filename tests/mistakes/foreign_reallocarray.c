/* foreign_reallocarray: reallocarray of an array. */
#include "mistake.h"

static char array[100] = "initialised";

int main(void)
{
	expect_line("realloc(%p): not a block of tarn's; it lies in %s",
		    opaque(array), program_path());
	return reallocarray(opaque(array), 10, 100) != NULL;
}
