/*
 * cxx_array: an array of objects with destructors. The pointer is to the
 * first of them, eight bytes behind their number, which begins the block.
 *
 * expect: nothing
 * expect: possible count=1 blocks=1
 */
#include "truth.h"

struct Object {
	long number = 1;
	~Object()
	{
		opaque(this);
	}
};

static Object *volatile kept;

static void work()
{
	kept = new Object[10];
}

int main()
{
	certainly(work);
	return 0;
}
