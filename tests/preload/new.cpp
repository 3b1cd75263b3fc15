/*
 * new: every operator new and delete, and the new-handler protocol but for the
 * handler that helps, which is in new_handler.cpp.
 */
#include "expect.h"

#include <malloc.h>

#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "pattern.h"

using std::align_val_t;
using std::nothrow;
using std::nothrow_t;

/* Not every compiler declares them unless asked to. */
void operator delete(void *, std::size_t) noexcept;
void operator delete[](void *, std::size_t) noexcept;
void operator delete(void *, std::size_t, align_val_t) noexcept;
void operator delete[](void *, std::size_t, align_val_t) noexcept;

/* All forms of operator new and delete, for one object or for an array. */
struct operators {
	void *(*make)(std::size_t);
	void *(*make_or_null)(std::size_t, const nothrow_t &);
	void *(*make_aligned)(std::size_t, align_val_t);
	void *(*make_aligned_or_null)(std::size_t, align_val_t,
				      const nothrow_t &);
	void (*drop)(void *);
	void (*drop_nothrow)(void *, const nothrow_t &);
	void (*drop_sized)(void *, std::size_t);
	void (*drop_aligned)(void *, align_val_t);
	void (*drop_aligned_nothrow)(void *, align_val_t, const nothrow_t &);
	void (*drop_aligned_sized)(void *, std::size_t, align_val_t);
};

/* Visible and not const: a compiler may leave out calls of an operator new that
 * it sees, if nothing comes of them. */
operators both[] = {{::operator new, ::operator new, ::operator new,
		     ::operator new, ::operator delete, ::operator delete,
		     ::operator delete, ::operator delete, ::operator delete,
		     ::operator delete },
		     {
			     ::operator new[],
			     ::operator new[],
			     ::operator new[],
			     ::operator new[],
			     ::operator delete[],
			     ::operator delete[],
			     ::operator delete[],
			     ::operator delete[],
			     ::operator delete[],
			     ::operator delete[] },
};

namespace
{
const std::size_t too_much = std::numeric_limits<std::size_t>::max() / 2;
const align_val_t some_alignment{64};

bool is_good(void *block, std::size_t size, std::size_t alignment)
{
	if (block == nullptr || malloc_usable_size(block) < size)
		return false;
	pattern_fill(block, size, size);
	return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

void plain_forms(const operators &the, std::size_t size)
{
	void *block = the.make(size);
	EXPECT(is_good(block, size, 16));
	the.drop(block);
	block = the.make_or_null(size, nothrow);
	EXPECT(is_good(block, size, 16));
	the.drop_nothrow(block, nothrow);
	the.drop_sized(the.make(size), size);
}

void aligned_forms(const operators &the, std::size_t size,
		   std::size_t alignment)
{
	auto to = static_cast<align_val_t>(alignment);
	void *block = the.make_aligned(size, to);
	EXPECT(is_good(block, size, alignment));
	the.drop_aligned(block, to);
	block = the.make_aligned_or_null(size, to, nothrow);
	EXPECT(is_good(block, size, alignment));
	the.drop_aligned_nothrow(block, to, nothrow);
	the.drop_aligned_sized(the.make_aligned(size, to), size, to);
}

void null_is_ignored(const operators &the)
{
	the.drop(nullptr);
	the.drop_nothrow(nullptr, nothrow);
	the.drop_sized(nullptr, 5);
	the.drop_aligned(nullptr, some_alignment);
	the.drop_aligned_nothrow(nullptr, some_alignment, nothrow);
	the.drop_aligned_sized(nullptr, 5, some_alignment);
}

template <typename Function> bool throws_bad_alloc(Function function)
{
	try {
		function();
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

/* Each form fails as it should, with whatever handler is set by BEFORE. */
template <typename Before>
void every_form_fails(const operators &the, Before before)
{
	before();
	EXPECT(throws_bad_alloc([&] { the.make(too_much); }));
	before();
	EXPECT(throws_bad_alloc(
		[&] { the.make_aligned(too_much, some_alignment); }));
	before();
	EXPECT(the.make_or_null(too_much, nothrow) == nullptr);
	before();
	EXPECT(the.make_aligned_or_null(too_much, some_alignment, nothrow) ==
	       nullptr);
}

int n_calls;

void give_up_at_third_call()
{
	if (++n_calls % 3 == 0)
		std::set_new_handler(nullptr);
}

struct out_of_luck : std::bad_alloc {
};

void throw_something()
{
	n_calls++;
	throw out_of_luck();
}

void failures_without_a_handler(const operators &the)
{
	every_form_fails(the, [] {});
	EXPECT(throws_bad_alloc([] { std::vector<char> v(too_much - 1); }));
}

void a_handler_is_called_until_it_gives_up(const operators &the)
{
	n_calls = 0;
	every_form_fails(the,
			 [] { std::set_new_handler(give_up_at_third_call); });
	EXPECT(n_calls == 4 * 3);
	EXPECT(std::get_new_handler() == nullptr);
}

void a_handler_may_throw(const operators &the)
{
	n_calls = 0;
	every_form_fails(the, [] { std::set_new_handler(throw_something); });
	EXPECT(n_calls == 4);
	EXPECT(std::get_new_handler() == throw_something);
	try {
		the.make(too_much);
		EXPECT(!"it threw");
	} catch (const out_of_luck &) {
	}
	std::set_new_handler(nullptr);
}
} // namespace

int main()
{
	expect_tarn();
	for (const operators &the : both) {
		for (std::size_t size = 0; size < 300000;
		     size += size / 3 + 1) {
			plain_forms(the, size);
			for (std::size_t to = 1; to <= 1 << 20; to *= 4)
				aligned_forms(the, size, to);
		}
		null_is_ignored(the);
		failures_without_a_handler(the);
		a_handler_is_called_until_it_gives_up(the);
		a_handler_may_throw(the);
	}
	return expect_status();
}
