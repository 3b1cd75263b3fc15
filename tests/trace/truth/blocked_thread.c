/*
 * blocked_thread: only in a frame of a thread that is blocked in read().
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

static int ready;

static void *body(void *unused)
{
	(void)unused;
	void *volatile held = new_chain(2);
	raise_flag(&ready);
	block_for_good();
	return held;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
