/*
 * copy: a copy of the process, made while it goes on, and what it shares with
 * others.
 *
 * A copy is the kernel's fork without libc's: no handlers of pthread_atfork
 * run, and it has none of the process's descriptors, so that no connection
 * stays open because of it. Nobody who waits for children by wait(2) sees it,
 * no signal tells its end, and os_reap buries it.
 *
 * Safe in signal handlers; thread-local memory is the caller's in both.
 */
#ifndef TARN_OS_COPY_H
#define TARN_OS_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Runs CHILD with CONTEXT in a copy, on the stack that ends at STACK_END, and
 * ends the copy when it returns. Returns its id, or a negative error number.
 * All signals are blocked in it as they are in the caller.
 */
long os_copy(void (*child)(void *context), void *context, char *stack_end);

/* The same in a process that shares the memory, while the caller waits for its
 * end. */
long os_run_apart(void (*child)(void *context), void *context, char *stack_end);

/* true if the child ID has ended, and is no more. */
bool os_reap(uint32_t id);

/* Buries all children of the kind of copies that have ended, whoever made them;
 * true if others live. */
bool os_reap_any(void);

/* Makes this process, a copy, small prey: it is the first to go when memory is
 * short, leaves no core, gives way to others. */
void os_be_modest(const char *name);

/* --- memory that others can open ----------------------------------------- */

struct os_share {
	long fd;
	void *page; /* the first BYTES of it, shared */
	size_t bytes;
};

/* A new file in memory, of BYTES, all zero; false if the kernel refuses. */
bool os_share_make(struct os_share *share, const char *name, size_t bytes);
void os_share_end(struct os_share *share);

/* Waits until *WORD, in shared memory, is not VALUE, for MS milliseconds at
 * most. */
void os_share_wait(const uint32_t *word, uint32_t value, unsigned ms);
void os_share_wake(const uint32_t *word);

/* true if somebody has a lock on the file's first byte. */
bool os_share_is_locked(const struct os_share *share);

#endif
