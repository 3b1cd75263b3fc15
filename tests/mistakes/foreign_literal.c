/* foreign_literal: a string in the program's text. */
#include "mistake.h"

int main(void)
{
	const char *literal = "never to be freed";
	expect_line("free(%p): not a block of tarn's; it lies in %s",
		    opaque(literal), program_path());
	free(opaque(literal));
	return 0;
}
