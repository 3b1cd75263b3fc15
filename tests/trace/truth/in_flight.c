/*
 * in_flight: two threads move a pointer between two places all the time; it
 * is always in one, or in a register.
 *
 * expect: nothing
 * expect: possible none
 * expect: foreign none
 * needs: registers
 * flags: -pthread
 */
#include "truth.h"

static struct node *places[2];
static int ready;

static void work(void)
{
	places[0] = new_chain(2);
}

static void *body(void *unused)
{
	(void)unused;
	struct node *node = NULL;
	for (unsigned i = 0;; i++) {
		node = __atomic_exchange_n(&places[i % 2], node,
					   __ATOMIC_ACQ_REL);
		if (i == 1000)
			raise_flag(&ready);
	}
	return NULL;
}

int main(void)
{
	certainly(work);
	start_thread(body);
	start_thread(body);
	wait_for_flag(&ready);
	return 0;
}
