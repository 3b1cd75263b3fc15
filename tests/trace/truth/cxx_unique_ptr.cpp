/*
 * cxx_unique_ptr: an object taken out of its unique_ptr, which owns two
 * others.
 *
 * expect: lost count=1 blocks=1 retained=3
 */
#include "truth.h"

#include <memory>

struct Owner {
	std::unique_ptr<Owner> next;
	std::unique_ptr<long[]> numbers{new long[10]()};
};

static void work()
{
	std::unique_ptr<Owner> owner(new Owner);
	owner->next.reset(new Owner);
	owner->next->numbers.reset();
	opaque(owner.release());
}

int main()
{
	certainly(work);
	return 0;
}
