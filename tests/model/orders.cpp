/*
 * orders: the pairs of memory orders that tarn's protocols rest on.
 *
 * Each test is a few accesses of two or three threads, run by relacy in every
 * order and with every value that C11 lets a load see. It must hold with the
 * orders that the code names (src/base/atomic.h), and must be seen to break
 * with weaker ones: else it would prove nothing. Usage: orders [NAME].
 */
#include <cstdio>
#include <cstring>
#include <iostream>

#include <relacy/relacy.hpp>

using rl::mo_acq_rel;
using rl::mo_acquire;
using rl::mo_relaxed;
using rl::mo_release;
using rl::mo_seq_cst;
typedef rl::memory_order order;

static bool cas(rl::atomic<int> &at, int *old, int now, order done,
		order failed)
{
	return at.compare_exchange_strong(*old, now, done, $, failed, $);
}

/*
 * remote_free and drain_pool of src/heap/remote.c: the pool stands in the
 * owner's list, its flag is set. Either the owner sees the bit, or the freer
 * sees the cleared flag and flags the pool again.
 */
template <order rmw, order look>
struct bit_and_flag : rl::test_suite<bit_and_flag<rmw, look>, 2> {
	rl::atomic<int> bits, flagged;
	bool is_flagged_again;

	void before()
	{
		bits($) = 0;
		flagged($) = 1;
		is_flagged_again = false;
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			bits.fetch_or(1, rmw, $);
			if (flagged.load(look, $) == 0)
				is_flagged_again =
					flagged.exchange(1, rmw, $) == 0;
		} else {
			flagged.exchange(0, rmw, $);
			if (bits.load(look, $) != 0)
				bits.exchange(0, rmw, $);
		}
	}
	void after()
	{
		RL_ASSERT(bits($) == 0 || is_flagged_again);
	}
};

/*
 * push_flagged and remote_drain_locked: who takes the list finds the links of
 * all pools in it.
 */
template <order push, order take>
struct flagged_list : rl::test_suite<flagged_list<push, take>, 3> {
	rl::atomic<int> head;
	rl::var<int> next[2];

	void before()
	{
		head($) = -1;
	}
	void thread(unsigned i)
	{
		if (i < 2) {
			int old = head.load(mo_relaxed, $);
			do
				next[i]($) = old;
			while (!cas(head, &old, (int)i, push, mo_relaxed));
			return;
		}
		for (int at = head.exchange(-1, take, $); at != -1;)
			at = next[at]($);
	}
};

/*
 * Lists and tables that only grow, read without a lock: the registry's heaps,
 * regions, the sites' buckets, modules.
 */
template <order publish, order look>
struct publication : rl::test_suite<publication<publish, look>, 2> {
	rl::atomic<int> head;
	rl::var<int> next[3];

	void before()
	{
		next[0]($) = -1;
		head($) = 0;
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			for (int new_one = 1; new_one < 3; new_one++) {
				next[new_one]($) = head.load(mo_relaxed, $);
				head.store(new_one, publish, $);
			}
			return;
		}
		for (int at = head.load(look, $); at != -1;)
			at = next[at]($);
	}
};

/*
 * A pool is given back, or changes its owner, while another thread flags it:
 * either the owner sees the flag, or the freer sees that it is the owner's no
 * more.
 */
template <order write, order look>
struct leaving_owner : rl::test_suite<leaving_owner<write, look>, 2> {
	rl::atomic<int> owner, flagged;
	bool is_seen_by_owner, is_seen_by_freer;

	void before()
	{
		owner($) = 1;
		flagged($) = 0;
		is_seen_by_owner = is_seen_by_freer = false;
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			owner.store(0, write, $);
			is_seen_by_owner = flagged.load(look, $) == 1;
		} else {
			flagged.exchange(1, mo_seq_cst, $);
			is_seen_by_freer = owner.load(look, $) == 0;
		}
	}
	void after()
	{
		RL_ASSERT(is_seen_by_owner || is_seen_by_freer);
	}
};

/*
 * A heap is parked while another thread pushes a pool on its list: either the
 * freer sees that it is parked, or who parks it sees the pool.
 */
template <order push, order write, order look>
struct parking : rl::test_suite<parking<push, write, look>, 2> {
	rl::atomic<int> is_parked, list;
	bool is_seen_by_parker, is_seen_by_freer;

	void before()
	{
		is_parked($) = 0;
		list($) = 0;
		is_seen_by_parker = is_seen_by_freer = false;
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			is_parked.store(1, write, $);
			is_seen_by_parker = list.load(look, $) == 1;
		} else {
			int none = 0;
			cas(list, &none, 1, push, mo_relaxed);
			is_seen_by_freer = is_parked.load(look, $) == 1;
		}
	}
	void after()
	{
		RL_ASSERT(is_seen_by_parker || is_seen_by_freer);
	}
};

/* lock_grab and lock_release: what one wrote under the lock the next finds. */
template <order take, order let_go>
struct lock : rl::test_suite<lock<take, let_go>, 2> {
	rl::atomic<int> state;
	rl::var<int> guarded;

	void before()
	{
		state($) = 0;
		guarded($) = 0;
	}
	void thread(unsigned i)
	{
		int none = 0;
		if (!cas(state, &none, (int)i + 1, take, mo_relaxed))
			return;
		guarded($) = guarded($) + 1;
		state.exchange(0, let_go, $);
	}
};

/*
 * The thief closes a magazine by its limit before it exchanges the top: who
 * finds the new top finds the new limit.
 */
template <order exchange, order look>
struct closed_magazine : rl::test_suite<closed_magazine<exchange, look>, 2> {
	rl::atomic<int> top, limit;

	void before()
	{
		top($) = 1;
		limit($) = 2;
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			limit.store(0, mo_relaxed, $);
			int old = 1;
			cas(top, &old, 9, exchange, mo_relaxed);
		} else if (top.load(look, $) == 9) {
			RL_ASSERT(limit.load(mo_relaxed, $) == 0);
		}
	}
};

/* do_deferred and take of src/api/live.c: no question stays without a hook. */
template <order ask, order look>
struct deferred : rl::test_suite<deferred<ask, look>, 2> {
	rl::atomic<int> question, hook;

	void before()
	{
		question($) = 0;
		hook($) = 1;
	}
	void set_hook()
	{
		int none = 0;
		cas(hook, &none, 1, ask, ask);
	}
	void thread(unsigned i)
	{
		if (i == 0) {
			question.store(1, ask, $);
			set_hook();
		} else {
			int ours = 1;
			cas(hook, &ours, 0, ask, ask);
			if (question.load(look, $) != 0)
				set_hook();
		}
	}
	void after()
	{
		RL_ASSERT(question($) == 0 || hook($) == 1);
	}
};

static const char *wanted;
static int status;
static unsigned n_tests;

/* True if TEST holds in all of its runs, which are told. */
template <typename test> static bool holds(rl::iteration_t *n)
{
	/* Keeps nothing: relacy has its own operator new meanwhile. */
	std::ostream quiet(NULL);
	rl::test_params params;
	params.search_type = rl::sched_full;
	params.output_stream = &quiet;
	params.progress_stream = &quiet;
	bool held = rl::simulate<test>(params);
	*n = params.stop_iteration;
	return held;
}

template <typename test> static void expect(const char *name, bool to_hold)
{
	if (wanted != NULL && strcmp(name, wanted) != 0)
		return;
	rl::iteration_t n = 0;
	bool held = holds<test>(&n);
	printf("%s %s, %s: %lu runs\n", held == to_hold ? "ok  " : "FAIL", name,
	       held ? "holds" : "breaks", (unsigned long)n);
	n_tests++;
	if (held != to_hold)
		status = 1;
}

int main(int argc, char **argv)
{
	wanted = argc > 1 ? argv[1] : NULL;

	expect<bit_and_flag<mo_seq_cst, mo_seq_cst>>("bit_and_flag", true);
	expect<bit_and_flag<mo_acq_rel, mo_acquire>>("bit_and_flag", false);

	expect<flagged_list<mo_release, mo_acquire>>("flagged_list", true);
	expect<flagged_list<mo_relaxed, mo_acquire>>("flagged_list", false);
	expect<flagged_list<mo_release, mo_relaxed>>("flagged_list", false);

	expect<publication<mo_release, mo_acquire>>("publication", true);
	expect<publication<mo_relaxed, mo_acquire>>("publication", false);
	expect<publication<mo_release, mo_relaxed>>("publication", false);

	expect<leaving_owner<mo_seq_cst, mo_seq_cst>>("leaving_owner", true);
	expect<leaving_owner<mo_release, mo_seq_cst>>("leaving_owner", false);
	expect<leaving_owner<mo_seq_cst, mo_relaxed>>("leaving_owner", false);

	expect<parking<mo_seq_cst, mo_seq_cst, mo_seq_cst>>("parking", true);
	expect<parking<mo_seq_cst, mo_release, mo_acquire>>("parking", false);
	expect<parking<mo_release, mo_seq_cst, mo_seq_cst>>("parking", false);

	expect<lock<mo_acquire, mo_release>>("lock", true);
	expect<lock<mo_relaxed, mo_release>>("lock", false);
	expect<lock<mo_acquire, mo_relaxed>>("lock", false);

	expect<closed_magazine<mo_acq_rel, mo_acquire>>("closed_magazine",
							true);
	expect<closed_magazine<mo_relaxed, mo_acquire>>("closed_magazine",
							false);
	expect<closed_magazine<mo_acq_rel, mo_relaxed>>("closed_magazine",
							false);

	expect<deferred<mo_seq_cst, mo_seq_cst>>("deferred", true);
	expect<deferred<mo_relaxed, mo_relaxed>>("deferred", false);

	if (n_tests == 0)
		status = 2;
	return status;
}
