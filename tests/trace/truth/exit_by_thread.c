/*
 * exit_by_thread: another thread calls exit() while main() waits with a block
 * in its frame.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

static void *body(void *unused)
{
	(void)unused;
	void *volatile held = new_chain(2);
	exit(held == NULL);
}

int main(void)
{
	void *volatile held = new_chain(2);
	pthread_join(start_thread(body), NULL);
	return held == NULL;
}
