/*
 * remote: blocks freed by other threads, flags and the owner's list.
 *
 * Stands for src/heap/remote.c (remote_free, flag, push_flagged, drain_pool,
 * remote_drain_locked), for settle_pool and discard_pool of heap_pools.c, and
 * for pool_create and pool_destroy of pool.c as far as they touch `owner` and
 * the list of spare descriptors.
 *
 * Two heaps with a thread each, which share the spare descriptors of a class;
 * threads that free what others have allocated. All operations on bits and
 * flags are seq_cst in the code, so that interleaving is all there is; `owner`
 * is read relaxed: what it was before may be read instead (STALE_OWNER). The
 * orders themselves are tried in orders.cpp.
 *
 * Laws: a slot is free, in hand, or has its remote bit, and never two of them;
 *       when all threads rest and each heap has drained its own list once more,
 *       no remote bit is left. With WEAK, when all lists have been drained
 *       until nothing is on any of them.
 */

#ifndef N_OPS
#define N_OPS 3 /* of the first heap's thread */
#endif
#ifndef N_OPS_OTHER
#define N_OPS_OTHER 2
#endif
#define N_FREERS 2
#ifndef N_FREES
#define N_FREES 2 /* of one freer; the other frees a block */
#endif
#define N_HEAPS 2
#define N_POOLS 2
#define N_SLOTS 2
#define N_BLOCKS (N_POOLS * N_SLOTS)
#define NONE 7
#define ALL_SLOTS ((1 << N_SLOTS) - 1)

/* Pools' descriptors. */
byte owner[N_POOLS] = NONE;
byte owner_before[N_POOLS] = NONE;
byte free_bits[N_POOLS];
byte remote_bits[N_POOLS];
bool is_spare[N_POOLS] = true;
bool flagged[N_POOLS];
byte next_flagged[N_POOLS] = NONE;

/* Heaps. */
byte list[N_HEAPS] = NONE;
byte draining[N_HEAPS] = NONE;

/* Where a block is, besides: in its own thread's hands, in a freer's. */
byte own[N_HEAPS]; /* bit b: block b */
byte out;
byte n_done;

#define block(p, s) ((p) * N_SLOTS + (s))
#define pool_of(b) ((b) / N_SLOTS)
#define slot_bit(b) (1 << ((b) % N_SLOTS))

inline change_owner(p, h)
{
	d_step {
		owner_before[p] = owner[p];
		owner[p] = h
	}
}

/* Relaxed: what it was before may still be seen. */
inline read_owner(p, result)
{
#ifdef STALE_OWNER
	atomic {
		if
		:: result = owner[p]
		:: result = owner_before[p]
		fi
	}
#else
	result = owner[p]
#endif
}

/* Any of the bits set in SET, which is not 0. */
inline pick(set, index)
{
	if
	:: (set) & 1 -> index = 0
	:: (set) & 2 -> index = 1
	:: (set) & 4 -> index = 2
	:: (set) & 8 -> index = 3
	fi
}

/* -- the freer -------------------------------------------------------------- */

inline push_flagged(h, p)
{
	head = list[h];
	do
	:: next_flagged[p] = head;
		if
		:: atomic { list[h] == head -> list[h] = p }; break
		:: else -> head = list[h]
		fi
	od;
	head = NONE
}

inline flag(p)
{
	do
	:: atomic { flagged[p] -> break }
	:: atomic { !flagged[p] -> flagged[p] = true };
		read_owner(p, h);
		if
		:: h != NONE ->
			push_flagged(h, p);
			break
		:: else ->
			flagged[p] = false;
#ifdef BROKEN_NO_RECHECK
			break
#else
			if
			:: remote_bits[p] == 0 -> break
			:: else
			fi
#endif
		fi
	od;
	h = NONE
}

inline set_bit(p)
{
	d_step {
		assert(!(remote_bits[p] & slot_bit(b)));
		assert(!(free_bits[p] & slot_bit(b)));
		remote_bits[p] = remote_bits[p] | slot_bit(b)
	}
}

inline remote_free(p)
{
#ifdef BROKEN_FLAG_FIRST
	if
	:: !flagged[p] -> flag(p)
	:: else
	fi;
	set_bit(p)
#else
	set_bit(p);
	if
	:: !flagged[p] -> flag(p)
	:: else
	fi
#endif
}

/* A freer ends early where nobody gives it anything more. */
proctype freer(byte n_frees)
{
	byte n, b, h = NONE, head = NONE;
	do
	:: n < n_frees ->
		if
		:: atomic {
			out != 0 ->
			pick(out, b);
			out = out & ~(1 << b)
		   };
			remote_free(pool_of(b));
			b = 0
		:: n_done >= N_HEAPS && out == 0 -> break
		fi;
		n++
	:: else -> break
	od;
	n_done++
}

/* -- the owner ------------------------------------------------------------------ */

inline give_back(p)
{
#ifdef BROKEN_LOOK_FIRST
	if
	:: flagged[p]
	:: else ->
		change_owner(p, NONE);
		d_step { free_bits[p] = 0; is_spare[p] = true }
	fi
#elif defined(MEND)
	/* Who flags it from here on sees that it has no owner; who has flagged
	 * it is seen here: then it is, or will be, in our list. */
	change_owner(p, NONE);
	if
	:: flagged[p] -> change_owner(p, me)
	:: else -> d_step { free_bits[p] = 0; is_spare[p] = true }
	fi
#else
	d_step {
		assert(remote_bits[p] == 0);
		free_bits[p] = 0
	}
	change_owner(p, NONE);
	is_spare[p] = true
#endif
}

inline settle(p)
{
	if
	:: free_bits[p] == ALL_SLOTS -> give_back(p)
	:: else
	fi
}

inline take_bits(p)
{
	d_step {
		assert(!(free_bits[p] & remote_bits[p]));
		free_bits[p] = free_bits[p] | remote_bits[p];
		remote_bits[p] = 0
	}
}

inline drain_pool(p)
{
#ifdef BROKEN_BITS_FIRST
	if
	:: owner[p] == me ->
		take_bits(p);
		flagged[p] = false;
		settle(p)
	:: owner[p] != me -> flagged[p] = false
	fi
#else
	flagged[p] = false;
	if
	:: owner[p] == me ->
		take_bits(p);
		settle(p)
	:: owner[p] != me ->
		if
		:: remote_bits[p] != 0 -> flag(p)
		:: else
		fi
	fi
#endif
}

/* Takes the list if nothing was left of the last; drains LIMIT of it. */
inline drain(limit)
{
	q = draining[me];
	if
	:: q == NONE -> d_step { q = list[me]; list[me] = NONE }
	:: else
	fi;
	l = limit;
	do
	:: q != NONE && l > 0 ->
		after = next_flagged[q];
		drain_pool(q);
		q = after;
		l--
	:: else -> break
	od;
	draining[me] = q;
	q = NONE;
	after = NONE;
	l = 0
}

#define can_allocate(p)                                                        \
	(is_spare[p] || owner[p] == me && free_bits[p] != 0)

/* A block of one of this heap's pools, or of a new one. */
inline allocate()
{
	atomic {
		can_allocate(0) || can_allocate(1) ->
		if
		:: can_allocate(0) -> p = 0
		:: can_allocate(1) -> p = 1
		fi;
		if
		:: is_spare[p] ->
			is_spare[p] = false;
			change_owner(p, me);
			free_bits[p] = ALL_SLOTS
		:: else
		fi;
		pick(free_bits[p], s);
		assert(!(remote_bits[p] & (1 << s)));
		free_bits[p] = free_bits[p] & ~(1 << s);
		if
		:: own[me] = own[me] | (1 << block(p, s))
		:: out = out | (1 << block(p, s))
		fi;
		p = 0;
		s = 0
	}
}

inline free_own()
{
	atomic {
		pick(own[me], b);
		p = pool_of(b);
		own[me] = own[me] & ~(1 << b);
		assert(!(free_bits[p] & slot_bit(b)));
		free_bits[p] = free_bits[p] | slot_bit(b);
		b = 0
	}
	settle(p);
	p = 0
}

proctype heap(byte me; byte n_ops)
{
	byte n, b, s, l, h = NONE, head = NONE, p, q = NONE, after = NONE;
	do
	:: n < n_ops ->
		n++;
		if
		:: allocate()
		:: own[me] != 0 -> free_own()
		:: list[me] != NONE || draining[me] != NONE -> drain(1)
		:: skip
		fi
	:: else -> break
	od;
	n_done++;
	/* The last look, when all rest. What was left comes first. */
	n_done == N_HEAPS + N_FREERS + me;
	drain(9);
	drain(9);
#ifdef WEAK
	n_done++;
	/* Once more, for what the other has flagged to this one. */
	n_done == 2 * N_HEAPS + N_FREERS + me;
	drain(9);
	drain(9);
#endif
	n_done++
}

#ifdef WEAK
#define AT_REST (3 * N_HEAPS + N_FREERS)
#else
#define AT_REST (2 * N_HEAPS + N_FREERS)
#endif

init
{
	byte p;
	/* The first heap has both pools: of one, a block is its own thread's. */
	atomic {
		for (p : 0 .. N_POOLS - 1) {
			is_spare[p] = false;
			owner[p] = 0;
			owner_before[p] = 0
		}
		p = 0;
		out = 1 + 2 + 4;
		own[0] = 8;
		run heap(0, N_OPS);
		run heap(1, N_OPS_OTHER);
		run freer(1);
		run freer(N_FREES)
	}
	n_done == AT_REST;
	d_step {
		for (p : 0 .. N_POOLS - 1) {
			assert(remote_bits[p] == 0)
		}
	}
}
