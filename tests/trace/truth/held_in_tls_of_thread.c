/*
 * held_in_tls_of_thread: in thread-local storage of another thread.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread
 */
#include "truth.h"

static __thread void *volatile kept;
static int ready;

static void work(void)
{
	kept = new_chain(2);
}

static void *body(void *unused)
{
	(void)unused;
	certainly(work);
	raise_flag(&ready);
	block_for_good();
	return NULL;
}

int main(void)
{
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
