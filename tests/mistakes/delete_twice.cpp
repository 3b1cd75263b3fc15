/* delete_twice: an object deleted twice. */
#include "mistake.h"

struct object {
	char name[70];
};

int main()
{
	object *one = new object;
	expect_line("operator delete(%p): double free of a 80-byte block",
		    opaque(one));
	::operator delete(opaque(one));
	::operator delete(opaque(one));
	return 0;
}
