/*
 * held_in_tls_of_both: in thread-local storage which a loaded library has in
 * another thread. The thread's table of such storage is known by a pointer to
 * its inside.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * flags: -pthread -ldl
 */
#include "library.h"

static int ready;

static void work(void)
{
	call_library(load_library(), "hold_in_tls");
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
