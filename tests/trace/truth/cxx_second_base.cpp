/*
 * cxx_second_base: only a pointer to the object's second base is left.
 *
 * expect: nothing
 * expect: possible count=1 blocks=1
 */
#include "truth.h"

struct Named {
	virtual ~Named()
	{
	}
	long name = 1;
};

struct Counted {
	virtual ~Counted()
	{
	}
	long count = 1;
};

struct Both : Named, Counted {
};

static Counted *volatile kept;

static void work()
{
	kept = static_cast<Both *>(opaque(new Both));
}

int main()
{
	certainly(work);
	return 0;
}
