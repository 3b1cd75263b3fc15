/*
 * new_handler: under a limit on memory operator new calls the handler until it
 * has freed enough, and then succeeds.
 */
#include "expect.h"

#include <sys/resource.h>

#include <new>
#include <vector>

#include "process.h"

namespace
{
enum { N_RESERVES = 64 };

void *reserves[N_RESERVES];
int n_reserves, n_calls;

/* A little at a time: it takes several calls to make room. */
void free_a_reserve()
{
	n_calls++;
	if (n_reserves == 0) {
		std::set_new_handler(nullptr);
		return;
	}
	::operator delete(reserves[--n_reserves]);
}

void take_reserves(void)
{
	std::set_new_handler(nullptr);
	while (n_reserves < N_RESERVES) {
		reserves[n_reserves] = ::operator new(MIB, std::nothrow);
		if (reserves[n_reserves] == nullptr)
			break;
		n_reserves++;
	}
	std::set_new_handler(free_a_reserve);
	n_calls = 0;
}

void one_large_block_is_made_room_for(void)
{
	take_reserves();
	void *block = ::operator new(10 * MIB);
	EXPECT(block != nullptr && n_calls >= 5);
	EXPECT(std::get_new_handler() == free_a_reserve);
	::operator delete(block);
	take_reserves();
	block = ::operator new[](10 * MIB, std::nothrow);
	EXPECT(block != nullptr && n_calls >= 5);
	::operator delete[](block);
}

/* Small blocks until all reserves are used up, then the exception. */
void the_end_is_an_exception(void)
{
	take_reserves();
	std::vector<void *> blocks;
	bool thrown = false;
	try {
		blocks.reserve(MIB / 2);
		for (;;)
			blocks.push_back(::operator new(1000));
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	EXPECT(thrown && n_reserves == 0 && blocks.size() > 1000);
	for (void *block : blocks)
		::operator delete(block);
	void *volatile block = ::operator new(MIB);
	::operator delete(block);
}
} // namespace

int main()
{
	expect_tarn();
	struct rlimit limit;
	limit.rlim_cur = limit.rlim_max = process_mapped_bytes() + 48 * MIB;
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
	one_large_block_is_made_room_for();
	the_end_is_an_exception();
	return expect_status();
}
