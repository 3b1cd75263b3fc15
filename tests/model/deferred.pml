/*
 * deferred: what a signal handler leaves to whoever lets a lock go next.
 *
 * Stands for lock_deferred in lock_release (src/base/lock.h) and for take,
 * defer and do_deferred of src/api/live.c. The handler strikes a thread that
 * has a lock; other threads take and let go locks all the time.
 *
 * Law: when all rest, what was asked has been done, or the hook is set, so that
 *      the next release does it.
 */

#ifndef N_RELEASES
#define N_RELEASES 3 /* of each of two threads */
#endif
#ifndef N_SIGNALS
#define N_SIGNALS 3
#endif

byte deferred; /* the question, 0 for none */
bool hook;     /* lock_deferred is do_deferred, else NULL */
byte n_done;
byte n_at_rest;

inline defer()
{
	atomic {
		if
		:: !hook -> hook = true
		:: else
		fi
	}
}

inline do_deferred()
{
	if
	:: deferred != 0 ->
		atomic { value = deferred; deferred = 0 };
		if
		:: value != 0 -> n_done = value
		:: else
		fi
	:: else
	fi;
	value = 0;
	/* Whether there are copies to be buried is another matter. */
	if
	:: deferred == 0 ->
		hook = false;
#ifndef BROKEN_NO_LOOK
		if
		:: deferred != 0 -> defer()
		:: else
		fi
#endif
	:: else
	fi
}

proctype thread()
{
	byte n, value;
	do
	:: n < N_RELEASES ->
		n++;
		if
		:: hook -> do_deferred()
		:: else
		fi
	:: else -> break
	od;
	n_at_rest++
}

proctype handler()
{
	byte n;
	do
	:: n < N_SIGNALS ->
		n++;
		deferred = n;
		if
		:: deferred != 0 -> defer()
		:: else
		fi
	:: else -> break
	od;
	n_at_rest++
}

init
{
	atomic {
		run thread();
		run thread();
		run handler()
	}
	n_at_rest == 3;
	assert(deferred == 0 || hook)
}
