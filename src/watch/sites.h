/*
 * sites: where blocks were allocated: call stacks, each kept once.
 *
 * A site has a number, which is what is noted of a block. Numbers and stacks
 * are kept for good, and stay true when code is unloaded (watch/modules.h).
 */
#ifndef TARN_WATCH_SITES_H
#define TARN_WATCH_SITES_H

#include <stdint.h>

#include "wire/wire.h"

#define SITE_FRAMES_MAX 48

/*
 * The number of the stack of the calling thread, as it is above the function
 * that calls this; 0 if there is no memory for a new one. Waits for
 * modules_lock only when the stack is new.
 */
uint32_t sites_note(void);

/* The frames of a site, innermost first; returns how many. Thread-safe. */
uint32_t sites_frames(uint32_t site, const struct wire_frame **frames);

/* How many sites there are: the largest number. */
uint32_t sites_count(void);

/*
 * From now on call stacks can be taken; before, every site is unknown. (In a
 * static program the dynamic linker's tables are set up late.)
 */
void sites_start(void);

/* Code is about to be unloaded: the same addresses may soon mean other code. */
void sites_forget_code(void);

#endif
