/*
 * delete_array_twice: an array deleted twice, by another thread the second
 * time.
 *
 * TARN_CONF=check:true
 */
#include "mistake.h"

static void *delete_it(void *array)
{
	::operator delete[](opaque(array));
	return nullptr;
}

int main()
{
	int *array = new int[1000];
	expect_line("operator delete(%p): double free of a 4096-byte block",
		    opaque(array));
	::operator delete[](opaque(array));
	run_in_thread(delete_it, array);
	return 0;
}
