/* delete_wrong_size: the object is of another type than the pointer says, and
 * the base class has no virtual destructor. */
#include "mistake.h"

#include <cstddef>

/* Not every compiler declares it unless asked to. */
void operator delete(void *, std::size_t) noexcept;

int main()
{
	void *block = ::operator new(300);
	expect_line("operator delete(%p, 24): wrong size; the block has 320 "
		    "bytes",
		    opaque(block));
	::operator delete(opaque(block), static_cast<std::size_t>(24));
	return 0;
}
