/*
 * cxx_shared_ptr_new: two objects and their two counters, for they were not
 * made by make_shared.
 *
 * expect: cycle count=1 blocks=4 retained=4
 */
#include "truth.h"

#include <memory>

struct Peer {
	std::shared_ptr<Peer> peer;
};

static void work()
{
	std::shared_ptr<Peer> a(new Peer), b(new Peer);
	a->peer = b;
	b->peer = a;
}

int main()
{
	certainly(work);
	return 0;
}
