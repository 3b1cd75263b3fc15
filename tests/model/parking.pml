/*
 * parking: flagged pools of heaps that no thread has.
 *
 * Stands for flag() of src/heap/remote.c and for parking, taking over and
 * adoption in src/heap/registry.c, with the stack of parked heaps that have
 * something flagged.
 *
 * Heap 0 is parked and taken over in turn; the thread of heap 1 adopts its
 * pool; others free blocks of that pool. What one writes and then reads of the
 * other is seq_cst; orders.cpp tries that.
 *
 * Laws: a parked heap with something on its list is on the stack when all
 *       threads rest; a pool with remote bits is on a list, and with EXACT on
 *       its owner's, or on that of a heap on the stack.
 */

#ifndef N_OPS
#define N_OPS 2 /* of the thread of heap 1 */
#endif
#ifndef N_PARKINGS
#define N_PARKINGS 2
#endif
#define N_FREERS 2
#define N_HEAPS 2
#define NONE 7

#ifdef BROKEN_LOOK_FIRST
#define PARKED , parked
#else
#define PARKED
#endif

/* The one pool, of two slots, both in use at first. */
byte owner;
byte free_bits;
byte remote_bits;
bool flagged;
byte out = 3; /* in the hands of who will free them */

/* A list has this pool in it or nothing. Nobody leaves a list partly drained
 * in this model. */
bool list[N_HEAPS];

/* The registry. */
bool locked; /* registry_lock; heap 0's own lock is never held without it, but
		by its thread */
bool heap_locked[N_HEAPS];
bool is_parked[N_HEAPS];
byte stack = NONE;
byte next_in_stack[N_HEAPS] = NONE;
bool is_in_stack[N_HEAPS];

byte n_done;

inline acquire(lock)
{
	atomic { !lock -> lock = true }
}

inline release(lock)
{
	lock = false
}

/* -- the stack ---------------------------------------------------------------- */

inline push_heap(g)
{
	if
	:: atomic { !is_in_stack[g] -> is_in_stack[g] = true };
		top = stack;
		do
		:: next_in_stack[g] = top;
			if
			:: atomic { stack == top -> stack = g }; break
			:: else -> top = stack
			fi
		od;
		top = NONE
	:: atomic { is_in_stack[g] }
	fi
}

/* -- flags -------------------------------------------------------------------- */

inline flag()
{
	if
	:: atomic { flagged }
	:: atomic { !flagged -> flagged = true };
		h = owner;
#ifdef BROKEN_LOOK_FIRST
		parked = is_parked[h];
#endif
		d_step { assert(!list[h]); list[h] = true };
#ifdef EXACT
		if
		:: is_parked[h] -> push_heap(h)
		:: else ->
			/* Its new owner does not look there. */
			if
			:: owner != h -> push_heap(h)
			:: else
			fi
		fi;
#elif defined(BROKEN_LOOK_FIRST)
		if
		:: parked -> push_heap(h)
		:: else
		fi;
#elif !defined(BROKEN_NO_LOOK)
		if
		:: is_parked[h] -> push_heap(h)
		:: else
		fi;
#endif
		h = NONE
	fi
}

proctype freer(byte n_frees)
{
	byte n, b, h = NONE, top = NONE PARKED;
	do
	:: n < n_frees ->
		if
		:: atomic { out & 1 -> out = out & ~1; b = 1 }
		:: atomic { out & 2 -> out = out & ~2; b = 2 }
		:: n_done >= 2 && out == 0 -> break
		fi;
		d_step {
			assert(!(remote_bits & b) && !(free_bits & b));
			remote_bits = remote_bits | b;
			b = 0
		};
		if
		:: !flagged -> flag()
		:: else
		fi;
		n++
	:: else -> break
	od;
	n_done++
}

/* -- under a heap's lock -------------------------------------------------------- */

inline take_bits()
{
	d_step {
		assert(!(free_bits & remote_bits));
		free_bits = free_bits | remote_bits;
		remote_bits = 0
	}
}

inline drain(g)
{
	if
	:: atomic { list[g] -> list[g] = false };
		flagged = false;
		if
		:: owner == g -> take_bits()
		:: owner != g ->
			if
			:: remote_bits != 0 -> flag()
			:: else
			fi
		fi
	:: else
	fi
}

/* -- heap 0: parked and taken over --------------------------------------------- */

inline park()
{
#ifdef BROKEN_LOOK_BEFORE_PARKING
	seen = list[0];
	acquire(locked);
	is_parked[0] = true;
	release(locked);
	if
	:: seen -> push_heap(0)
	:: else
	fi
#else
	acquire(locked);
	is_parked[0] = true;
#ifndef BROKEN_PARKER_BLIND
	if
	:: list[0] -> push_heap(0)
	:: else
	fi;
#endif
	release(locked)
#endif
}

proctype changing()
{
	byte n, h = NONE, top = NONE PARKED;
#ifdef BROKEN_LOOK_BEFORE_PARKING
	bool seen;
#endif
	do
	:: n < N_PARKINGS ->
		n++;
		if
		:: skip
		:: acquire(heap_locked[0]);
			drain(0);
			release(heap_locked[0])
		fi;
		park();
		if
		:: break
		:: acquire(locked);
			is_parked[0] = false;
			release(locked)
		fi
	:: else -> break
	od;
	n_done++
}

/* -- heap 1: adopts ------------------------------------------------------------- */

/* Heap 1 is locked. */
inline drain_stack()
{
	atomic { s = stack; stack = NONE };
	do
	:: s != NONE ->
#ifdef BROKEN_CLEARED_TOO_SOON
		is_in_stack[s] = false;
		after = next_in_stack[s];
#else
		after = next_in_stack[s];
#ifndef BROKEN_CLEARED_LATE
		is_in_stack[s] = false;
#endif
#endif
		if
#ifdef EXACT
		:: s != 1 ->
#else
		:: s != 1 && is_parked[s] ->
#endif
			acquire(heap_locked[s]);
			drain(s);
			release(heap_locked[s])
		:: else
		fi;
#ifdef BROKEN_CLEARED_LATE
		is_in_stack[s] = false;
#endif
		s = after
	:: else -> break
	od;
	after = NONE
}

inline adopt()
{
	acquire(locked);
	drain_stack();
	if
	:: is_parked[0] ->
		acquire(heap_locked[0]);
		if
		:: owner == 0 && free_bits != 0 ->
			owner = 1;
			take_bits()
		:: else
		fi;
		release(heap_locked[0])
	:: else
	fi;
	release(locked)
}

proctype adopter()
{
	byte n, h = NONE, top = NONE PARKED, s = NONE, after = NONE;
	do
	:: n < N_OPS ->
		n++;
		acquire(heap_locked[1]);
		if
		:: drain(1)
		:: adopt()
		:: atomic {
			owner == 1 && free_bits != 0 ->
			if
			:: free_bits & 1 -> out = out | 1; free_bits = free_bits & ~1
			:: free_bits & 2 -> out = out | 2; free_bits = free_bits & ~2
			fi
		   }
		:: skip
		fi;
		release(heap_locked[1])
	:: else -> break
	od;
	n_done++
}

init
{
	byte g;
	atomic {
		/* From when it was parked. */
		stack = 1;
		is_in_stack[1] = true;
		run changing();
		run adopter();
		run freer(1);
		run freer(2)
	}
	n_done == 4;
	d_step {
		if
		:: remote_bits != 0 ->
			assert(flagged && (list[0] || list[1]));
#if defined(EXACT) || defined(BROKEN_OWNER_TRUSTED)
			assert(list[owner] ||
			       list[1 - owner] && is_in_stack[1 - owner]);
#endif
		:: else
		fi;
		for (g : 0 .. N_HEAPS - 1) {
			assert(!(is_parked[g] && list[g]) || is_in_stack[g])
		}
		/* What is marked as being on the stack is. */
		assert(is_in_stack[0] ==
		       (stack == 0 || stack == 1 && next_in_stack[1] == 0));
		assert(is_in_stack[1] ==
		       (stack == 1 || stack == 0 && next_in_stack[0] == 1))
	}
}
