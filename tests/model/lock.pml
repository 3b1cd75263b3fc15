/*
 * lock: the small mutex on a futex.
 *
 * Stands for lock_grab, lock_release of src/base/lock.h and lock_wait,
 * take_waited, lock_wake of src/base/lock.c, in a process with threads. The
 * kernel compares the lock's word and puts the thread to sleep in one step;
 * a wait may also end for nothing.
 *
 * Laws: one thread at a time has the lock; nobody sleeps for good (no end but
 *       that of all threads).
 */

#ifndef N_THREADS
#define N_THREADS 3
#endif
#ifndef N_ROUNDS
#define N_ROUNDS 3
#endif
#define WAITED_FOR 128

byte state; /* 0, or a thread's number from 1, and WAITED_FOR */
byte n_inside;
bool sleeps[N_THREADS + 1];

inline take_waited()
{
	do
	:: s = state;
		if
		:: s == 0 ->
			if
			:: atomic {
				state == 0 ->
#ifdef BROKEN_WAITERS_FORGOTTEN
				state = me
#else
				state = me | WAITED_FOR
#endif
			   };
				break
			:: state != 0
			fi
		:: s != 0 ->
			if
			:: s & WAITED_FOR
			:: atomic {
				!(s & WAITED_FOR) && state == s ->
				state = s | WAITED_FOR
			   }
			:: !(s & WAITED_FOR) && state != s -> goto again
			fi;
			atomic {
				if
				:: state == (s | WAITED_FOR) -> sleeps[me] = true
				:: else
				fi
			};
			!sleeps[me]
		fi;
again:		skip
	od;
	s = 0
}

inline lock_acquire()
{
	if
	:: atomic { state == 0 -> state = me }
	:: state != 0 -> /* it has spun enough */
		take_waited()
	fi
}

inline lock_release()
{
#ifdef BROKEN_LOOKS_FIRST
	s = state;
	state = 0;
#else
	atomic { s = state; state = 0 };
#endif
	if
	:: s & WAITED_FOR ->
		atomic { /* one of those that sleep, if any does */
			if
			:: sleeps[1] -> sleeps[1] = false
			:: sleeps[2] -> sleeps[2] = false
			:: sleeps[3] -> sleeps[3] = false
			:: !(sleeps[1] || sleeps[2] || sleeps[3])
			fi
		}
	:: else
	fi;
	s = 0
}

proctype thread(byte me)
{
	byte n, s;
	do
	:: n < N_ROUNDS ->
		n++;
		lock_acquire();
		n_inside++;
		assert(n_inside == 1);
		n_inside--;
		lock_release()
	:: else -> break
	od
}

init
{
	byte i;
	atomic {
		for (i : 1 .. N_THREADS) {
			run thread(i)
		}
	}
}
