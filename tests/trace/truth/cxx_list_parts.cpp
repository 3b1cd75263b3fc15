/*
 * cxx_list_parts: a list on the heap, the first member of which is not the
 * list; the nodes point to its inside.
 *
 * expect: cycle count=1 blocks=4 retained=4
 */
#include "truth.h"

#include <list>

struct Holder {
	long before[4] = {};
	std::list<int> list{1, 2, 3};
};

static void work()
{
	opaque(new Holder);
}

int main()
{
	certainly(work);
	return 0;
}
