/*
 * held_by_main_frame: only in the frame of main(), which calls exit().
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

int main(void)
{
	void *volatile held = new_chain(2);
	exit(held == NULL);
}
