/*
 * cxx_map: a map on the heap. Its header, to which the root node points, is
 * not at the start of the block.
 *
 * expect: cycle count=1 blocks=8 retained=9
 */
#include "truth.h"

#include <map>
#include <string>

static void work()
{
	auto *map = new std::map<int, std::string>;
	for (int i = 0; i < 7; i++)
		(*map)[i] = i == 3 ? std::string(100, 'x') : "short";
	opaque(map);
}

int main()
{
	certainly(work);
	return 0;
}
