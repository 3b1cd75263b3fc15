/*
 * theft: a magazine that another thread empties, its owner asleep or running.
 *
 * Stands for the hit paths heap_pop and heap_push (src/heap/heap.h), what
 * their slow paths do under the heap's lock, and the thief, who holds that
 * lock as well.
 *
 * The owner runs on x86-TSO: its stores wait in a buffer, first in, first out;
 * its loads see them there. Its change of `top` is one instruction that is not
 * locked: load and store, between which another processor may write, but at
 * which no interrupt falls. A membarrier is hence a step of the thief's that
 * happens while the owner is not inside that instruction, and that empties
 * the owner's buffer. What the thief writes itself is seen at once: its plain
 * stores come before a locked instruction or the lock's release.
 *
 * Law: each block is in exactly one of the owner's hands, the magazine, the
 * pool's free bits.
 */

#ifndef N_OPS
#define N_OPS 4 /* of the owner */
#endif
#ifndef N_THEFTS
#define N_THEFTS 2
#endif
#define N_BLOCKS 4
#define CAPACITY 3
#define BUFFER 4

/* Addresses. A cell of an array holds a block, or 0. */
#define BASE 10 /* the first block's cell; below it two of NULL */
#define END (BASE + CAPACITY)
#ifdef NOWHERE_BELOW
#define NOWHERE 4
#else
#define NOWHERE 17 /* the middle of the constant array of NULLs */
#endif
#define TOP 20
#define LIMIT 21
#define N_ADDRESSES 22

byte memory[N_ADDRESSES];
byte held; /* bit b: block b is in the owner's hands */
byte pool; /* bit b: block b is free in the pool's bitmap */
bool locked;

/* Guarded by the lock. */
bool robbed;
byte robbed_top;

/* The owner's store buffer. */
byte buffer_at[BUFFER], buffer_value[BUFFER];
byte n_buffered;
bool inside; /* the owner is inside the instruction that changes `top` */
bool done;

/* -- the owner's processor -------------------------------------------------- */

inline drain_one()
{
	d_step {
		memory[buffer_at[0]] = buffer_value[0];
		for (i : 1 .. BUFFER - 1) {
			buffer_at[i - 1] = buffer_at[i];
			buffer_value[i - 1] = buffer_value[i];
		}
		buffer_at[BUFFER - 1] = 0;
		buffer_value[BUFFER - 1] = 0;
		n_buffered--;
		i = 0;
	}
}

inline drain_all()
{
	do
	:: n_buffered > 0 -> drain_one()
	:: else -> break
	od
}

inline load(address, result)
{
	d_step {
		result = memory[address];
		i = 0;
		do
		:: i < n_buffered ->
			if
			:: buffer_at[i] == address -> result = buffer_value[i]
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
	}
}

inline store(address, value)
{
	d_step {
		n_buffered < BUFFER;
		assert(address < BASE + CAPACITY && address >= BASE ||
		       address == TOP);
		buffer_at[n_buffered] = address;
		buffer_value[n_buffered] = value;
		n_buffered++;
	}
}

/* One instruction: what is loaded is not locked until the store. */
inline add_to_top(delta)
{
	atomic {
		load(TOP, r);
		inside = true;
	}
	atomic {
		store(TOP, r + delta);
		inside = false;
		r = 0;
	}
}

proctype buffer()
{
	byte i;
end:	do
	:: atomic { n_buffered > 0 -> drain_one() }
	:: done && n_buffered == 0 -> break
	od
}

/* -- what both do under the lock ---------------------------------------------- */

inline acquire()
{
	atomic { !locked -> locked = true }
}

/* The owner's: a locked instruction, so its buffer is empty after it. */
inline owner_acquire()
{
	atomic { !locked -> locked = true; drain_all() }
}

inline release()
{
	locked = false
}

inline put_in_pool(block)
{
	assert(block != 0);
	assert(!(pool & (1 << block)));
	assert(!(held & (1 << block)));
	pool = pool | (1 << block)
}

inline take_in_hand(block)
{
	assert(block != 0);
	assert(!(held & (1 << block)));
	assert(!(pool & (1 << block)));
	held = held | (1 << block)
}

/* The owner is in its slow path, hence in the middle of no hit path. */
inline resolve()
{
	if
	:: robbed ->
		x = memory[TOP];
		assert(x >= NOWHERE - 1 && x <= NOWHERE + 1);
		y = memory[robbed_top - 1];
		z = memory[robbed_top];
		memory[TOP] = BASE;
		if
		:: x == NOWHERE - 1 -> skip /* the pop had its block */
		:: x == NOWHERE ->
			memory[BASE] = y;
			memory[TOP] = BASE + 1
		:: x == NOWHERE + 1 ->
			memory[BASE] = y;
#ifndef BROKEN_PUSH_FORGOTTEN
			memory[BASE + 1] = z;
			memory[TOP] = BASE + 2
#else
			memory[TOP] = BASE + 1
#endif
		fi;
		memory[LIMIT] = END;
		robbed = false;
		robbed_top = 0;
		x = 0; y = 0; z = 0
	:: else
	fi
}

/* -- the owner ------------------------------------------------------------------ */

inline pop()
{
	load(TOP, t);
	load(t - 1, b);
	if
	:: b != 0 ->
#ifdef BROKEN_POP_STORES
		store(TOP, t - 1);
#else
		add_to_top(-1);
#endif
		atomic { take_in_hand(b); b = 0; t = 0 }
	:: else ->
		owner_acquire();
		d_step {
			resolve();
			t = memory[TOP];
			if
			:: memory[t - 1] != 0 ->
				b = memory[t - 1];
				memory[TOP] = t - 1
			:: else ->
				b = 1;
				do
				:: b <= N_BLOCKS && !(pool & (1 << b)) -> b++
				:: else -> break
				od;
				if
				:: b <= N_BLOCKS -> pool = pool & ~(1 << b)
				:: else -> b = 0
				fi
			fi;
			if
			:: b != 0 -> take_in_hand(b)
			:: else
			fi;
			b = 0; t = 0
		}
		release()
	fi
}

inline push()
{
	/* Any block in hand. */
	atomic {
		if
		:: held & (1 << 1) -> b = 1
		:: held & (1 << 2) -> b = 2
		:: held & (1 << 3) -> b = 3
		:: held & (1 << 4) -> b = 4
		fi;
		held = held & ~(1 << b)
	}
#ifdef BROKEN_LIMIT_READ_FIRST
	load(LIMIT, l);
	load(TOP, t);
#else
	load(TOP, t);
	load(LIMIT, l);
#endif
	if
	:: t < l ->
		store(t, b);
		add_to_top(1);
		d_step { b = 0; t = 0; l = 0 }
	:: else ->
		owner_acquire();
		d_step {
#ifndef BROKEN_NOT_READ_AGAIN
			resolve();
			t = memory[TOP];
			l = memory[LIMIT];
#else
			l = END;
#endif
			if
			:: t >= l -> /* the older half goes to the pool */
				x = memory[BASE];
				y = memory[BASE + 1];
				put_in_pool(x);
				put_in_pool(y);
				memory[BASE] = memory[BASE + 2];
				t = BASE + 1;
				x = 0; y = 0
			:: else
			fi;
			memory[t] = b;
			memory[TOP] = t + 1;
			b = 0; t = 0; l = 0
		}
		release()
	fi
}

proctype owner()
{
	byte n, t, l, b, r, i, x, y, z;
	do
	:: n < N_OPS ->
		n++;
		if
		:: pop()
		:: held != 0 -> push()
		fi
	:: else -> break
	od;
	done = true
}

/* -- the thief -------------------------------------------------------------------- */

/* A class robbed before: only what is certain. */
inline settle_robbed()
{
	if
	:: memory[TOP] == NOWHERE + 1 -> /* no hit path comes so far again */
		d_step {
			x = memory[robbed_top - 1];
			put_in_pool(x);
			x = memory[robbed_top];
			put_in_pool(x);
			x = 0;
			memory[TOP] = NOWHERE - 1
#ifdef BROKEN_THIEF_RESTORES
			;
			memory[TOP] = BASE;
			memory[LIMIT] = END;
			robbed = false;
			robbed_top = 0
#endif
		}
#ifdef BROKEN_THIEF_RESTORES
	:: memory[TOP] == NOWHERE - 1 ->
		d_step {
			memory[TOP] = BASE;
			memory[LIMIT] = END;
			robbed = false;
			robbed_top = 0
		}
#endif
	:: else
	fi
}

inline membarrier()
{
#ifndef BROKEN_NO_BARRIER
	atomic { !inside -> drain_all() }
#else
	skip
#endif
}

inline take_below(end)
{
	x = BASE;
	do
	:: x < end ->
		atomic {
			y = memory[x];
			put_in_pool(y);
			y = 0;
			x++
		}
	:: else -> break
	od;
	x = 0
}

inline rob()
{
	t = memory[TOP];
	if
	:: t >= BASE + 2 ->
#ifndef BROKEN_LIMIT_LATE
		memory[LIMIT] = 0;
#endif
		if
		:: atomic { memory[TOP] == t -> memory[TOP] = NOWHERE };
#ifdef BROKEN_LIMIT_LATE
			memory[LIMIT] = 0;
#endif
			membarrier();
			if
			:: memory[TOP] >= NOWHERE - 1 &&
			   memory[TOP] <= NOWHERE + 1 ->
				robbed = true;
				robbed_top = t;
#ifdef BROKEN_CELL_CLEARED
				memory[t] = 0;
#endif
#ifdef BROKEN_ALL_TAKEN
				take_below(t)
#else
				take_below(t - 1)
#endif
			:: else -> memory[LIMIT] = END
			fi
		:: memory[TOP] != t -> memory[LIMIT] = END
		fi
	:: else
	fi;
	t = 0
}

proctype thief()
{
	byte n, t, i, x, y;
	do
	:: n < N_THEFTS ->
		n++;
		acquire();
		if
		:: robbed -> settle_robbed()
		:: else -> rob()
		fi;
		release()
	:: else -> break
	od
}

/* -- the law ------------------------------------------------------------------------ */

/* Starts with two blocks in the magazine, one in hand, one in the pool. */
init
{
	byte x, y, z, seen;
	atomic {
		memory[BASE] = 1;
		memory[BASE + 1] = 2;
		memory[TOP] = BASE + 2;
		memory[LIMIT] = END;
		held = 1 << 3;
		pool = 1 << 4;
		run owner();
		run thief();
		run buffer()
	}
	(done && n_buffered == 0 && _nr_pr == 1);
	d_step {
		resolve();
		seen = held | pool;
		assert((held & pool) == 0);
		x = BASE;
		do
		:: x < memory[TOP] ->
			y = memory[x];
			assert(y != 0);
			assert(!(seen & (1 << y)));
			seen = seen | (1 << y);
			x++
		:: else -> break
		od;
		assert(seen == 30)
	}
}
