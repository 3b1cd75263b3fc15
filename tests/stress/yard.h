/*
 * yard: where threads leave blocks for other threads.
 *
 * A fixed number of places, each of which holds one block or none. Who leaves
 * a block releases it to the one who picks it up; nothing else is ordered.
 */
#ifndef TARN_TESTS_YARD_H
#define TARN_TESTS_YARD_H

#include "random.h"
#include "shadow.h"

/* false if a few places, tried at random, are all taken (empty). */
bool yard_leave(struct random *random, const struct shadow_block *block);
bool yard_pick_up(struct random *random, struct shadow_block *block);

/* Empties the yard; for one thread when all others have ended. */
bool yard_pick_up_any(struct shadow_block *block);

/* Adds up what lies there; for one thread when all others have ended. */
void yard_count(uint64_t *blocks, uint64_t *usable_bytes);

#endif
