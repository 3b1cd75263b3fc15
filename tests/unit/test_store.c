/*
 * store: what is taken is zero, aligned, apart and guarded.
 */
#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "base/lock.h"
#include "meta/store.h"
#include "os/memory.h"

static struct store_size size_now(void)
{
	lock_acquire(&store_lock);
	struct store_size size = store_size_locked();
	lock_release(&store_lock);
	return size;
}

Test(store, what_is_taken_is_zero_and_aligned)
{
	for (size_t align = 8; align <= 4096; align *= 2) {
		unsigned char *taken = store_take(align + 3, align);
		cr_assert_not_null(taken);
		cr_assert_eq((uintptr_t)taken % align, 0);
		for (size_t i = 0; i < align + 3; i++)
			cr_assert_eq(taken[i], 0);
		memset(taken, 0xff, align + 3);
	}
}

Test(store, nothing_is_taken_twice)
{
	enum { N = 2000 };
	static unsigned char *taken[N];
	for (size_t i = 0; i < N; i++) {
		taken[i] = store_take(200, 8);
		cr_assert_not_null(taken[i]);
		memset(taken[i], (int)(i % 251), 200);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < 200; k++)
			cr_assert_eq(taken[i][k], i % 251);
}

Test(store, more_than_a_chunk_can_be_taken)
{
	size_t bytes = (size_t)5 << 20;
	unsigned char *taken = store_take(bytes, 64);
	cr_assert_not_null(taken);
	taken[0] = taken[bytes - 1] = 1;
	cr_assert_geq(size_now().writable_bytes, bytes);
}

struct found {
	uintptr_t at;
	size_t bytes;
	size_t n;
	size_t sum;
};

static void note_chunk(void *context, uintptr_t at, size_t bytes)
{
	struct found *found = context;
	*found = (struct found){at, bytes, found->n + 1, found->sum + bytes};
}

static struct found find_chunks(void)
{
	struct found found = {0};
	cr_assert_not_null(store_take(16, 16));
	lock_acquire(&store_lock);
	store_visit_locked(note_chunk, &found);
	lock_release(&store_lock);
	return found;
}

Test(store, the_chunks_are_what_the_size_says)
{
	cr_assert_not_null(store_take((size_t)300 << 10, 16));
	struct found found = find_chunks();
	struct store_size size = size_now();
	cr_assert_geq(found.n, 1);
	cr_assert_eq(found.sum, size.writable_bytes + size.guard_bytes);
}

Test(store, the_page_before_a_chunk_cannot_be_written, .signal = SIGSEGV)
{
	struct found found = find_chunks();
	*(volatile char *)(found.at + os_page_bytes() - 1) = 1;
}

Test(store, the_page_after_a_chunk_cannot_be_read, .signal = SIGSEGV)
{
	struct found found = find_chunks();
	(void)*(volatile char *)(found.at + found.bytes - os_page_bytes());
}

Test(store, a_refusal_changes_nothing_and_is_not_for_good)
{
	struct rlimit limit, none;
	cr_assert_not_null(store_take(16, 16));
	struct store_size before = size_now();
	cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
	none = limit;
	none.rlim_cur = 4096;
	cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
	void *refused = store_take((size_t)10 << 20, 16);
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
	cr_assert_null(refused);
	cr_assert_eq(size_now().writable_bytes, before.writable_bytes);
	cr_assert_eq(size_now().guard_bytes, before.guard_bytes);
	cr_assert_not_null(store_take((size_t)10 << 20, 16));
}
