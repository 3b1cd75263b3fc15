/*
 * cxx_list: a list on the heap: its nodes and itself, where its ends are.
 *
 * expect: cycle count=1 blocks=4 retained=4
 */
#include "truth.h"

#include <list>

static void work()
{
	opaque(new std::list<int>{1, 2, 3});
}

int main()
{
	certainly(work);
	return 0;
}
