/*
 * stack: who called, as return addresses.
 *
 * Cheap enough for the sites of sampled allocations: a few ns a frame once its
 * code was seen. Thread-safe and async-signal-safe: allocates nothing, takes no
 * lock, keeps errno. See unwind.h for what is needed of the system.
 *
 * Frames are left by .eh_frame, and by frame pointers where code has none. The
 * list ends at what nothing called, or where the stack makes no sense.
 */
#ifndef TARN_WATCH_STACK_H
#define TARN_WATCH_STACK_H

#include <stdint.h>

/*
 * Return addresses of the calling thread, innermost first, from the caller of
 * the function that calls this outwards; behind a signal's frame, the pc it
 * interrupted. At most N. Returns how many were written.
 */
uint32_t stack_capture(uintptr_t *frames, uint32_t n);

/*
 * The same for code about to run the instruction at PC with these registers in
 * this thread: from its caller outwards, without PC.
 */
uint32_t stack_capture_from(uintptr_t pc, uintptr_t sp, uintptr_t bp,
			    uintptr_t *frames, uint32_t n);

/* After objects were unloaded: others may come to lie where they were. */
void stack_forget(void);

#endif
