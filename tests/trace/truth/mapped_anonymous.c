/*
 * mapped_anonymous: in an anonymous mapping, such as another allocator's
 * memory or the heap of an interpreter.
 *
 * expect: nothing
 * expect: foreign count=2 blocks=2
 */
#include "truth.h"

static void **volatile mapping;

static void work(void)
{
	mapping = new_mapping(1 << 16);
	mapping[100] = new_chain(2);
}

int main(void)
{
	certainly(work);
	return 0;
}
