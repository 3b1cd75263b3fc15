/*
 * cxx_vector: a vector of strings on the heap.
 *
 * expect: lost count=1 blocks=1 retained=12
 */
#include "truth.h"

#include <string>
#include <vector>

static void work()
{
	opaque(new std::vector<std::string>(10, std::string(100, 'x')));
}

int main()
{
	certainly(work);
	return 0;
}
