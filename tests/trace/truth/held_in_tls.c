/*
 * held_in_tls: in thread-local storage of the main thread.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 */
#include "truth.h"

static __thread void *volatile kept;

static void work(void)
{
	kept = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
