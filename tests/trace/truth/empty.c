/*
 * empty: the program does nothing.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

int main(void)
{
	return 0;
}
