/* stack: a variable of main's. */
#include "mistake.h"

int main(void)
{
	char array[100];
	expect_line("free(%p): not a block of tarn's; it lies in [stack]",
		    opaque(array));
	free(opaque(array));
	return 0;
}
